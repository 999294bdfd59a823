import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1

/// An origin's answer as it arrived, by plain HTTP or from a bucket, before any of it is trusted.
package struct OriginAnswer: Sendable {
    let status: Int
    /// Without fields that were not UTF-8: their bytes have been replaced by the decoder, so they are not what the origin sent.
    let headers: HTTPHeaders
    /// Whether a field is missing that is needed to understand the body.
    let isUnreadable: Bool
    let body: ByteStream
    /// The URL that answered, at the end of the redirect chain.
    let url: ArtifactURL
    let addresses: [ArtifactURL]
    /// Those of a redirect come first: they are about what was asked for.
    let fields: OriginFields

    init(_ response: OutboundResponse) {
        status = response.status
        (headers, isUnreadable) = Self.readable(response.headers)
        body = ByteStream(response.body)
        url = response.url
        addresses = response.addresses
        fields = Self.fields(in: response.redirects + [headers])
    }

    init(_ answer: BucketAnswer, of artifact: ArtifactURL) {
        status = answer.status
        (headers, isUnreadable) = Self.readable(HTTPHeaders(answer.headers.map { ($0.name, $0.value) }))
        body = answer.body
        url = artifact
        addresses = [artifact]
        fields = Self.fields(in: [headers])
    }

    private static func fields(in answers: [HTTPHeaders]) -> OriginFields {
        var fields = OriginFields()
        for headers in answers {
            for name in OriginFields.Name.allCases where fields[name] == nil { fields[name] = headers.first(name: name.rawValue) }
        }
        return fields
    }

    private static func readable(_ headers: HTTPHeaders) -> (HTTPHeaders, isUnreadable: Bool) {
        let lost = headers.filter { $0.value.unicodeScalars.contains("\u{FFFD}") }.map { $0.name }
        guard !lost.isEmpty else { return (headers, false) }
        var kept = headers
        for name in lost { kept.remove(name: name) }
        return (kept, lost.contains { ["content-encoding", "content-range"].contains($0.lowercased()) })
    }

    /// Whether the answer says that its body is only a part. An answer with status 200 should never say so, but some do.
    var claimsToBePart: Bool {
        headers.contains(name: "Content-Range")
            || headers.first(name: "Content-Type")?.lowercased().hasPrefix("multipart/byteranges") == true
    }

    /// The length of the body in bytes; `nil` if it is not stated.
    var contentLength: Int64? {
        guard !headers.contains(name: "Transfer-Encoding") else { return nil }
        return headers.first(name: "Content-Length").flatMap { Int64(digits: $0) }
    }

    func retryAfter(now: Timestamp) -> Duration? {
        headers.first(name: "Retry-After").flatMap { Duration(retryAfter: $0, now: now, limit: .seconds(3_600)) }
    }
}
