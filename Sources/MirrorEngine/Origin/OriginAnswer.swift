import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1

/// An origin's answer as it came, by plain HTTP or out of a bucket, before anything of it is believed.
package struct OriginAnswer: Sendable {
    let status: Int
    /// Without fields whose bytes are not UTF-8: they have been replaced on the way, and are not what the origin sent.
    let headers: HTTPHeaders
    /// Whether a field is gone without which the body cannot be understood.
    let isUnreadable: Bool
    let body: ByteStream
    /// What answered, at the end of the redirect chain.
    let url: ArtifactURL
    let addresses: [ArtifactURL]

    init(_ response: OutboundResponse) {
        status = response.status
        (headers, isUnreadable) = Self.readable(response.headers)
        body = ByteStream(response.body)
        url = response.url
        addresses = response.addresses
    }

    init(_ answer: BucketAnswer, of artifact: ArtifactURL) {
        status = answer.status
        (headers, isUnreadable) = Self.readable(HTTPHeaders(answer.headers.map { ($0.name, $0.value) }))
        body = answer.body
        url = artifact
        addresses = [artifact]
    }

    private static func readable(_ headers: HTTPHeaders) -> (HTTPHeaders, isUnreadable: Bool) {
        let lost = headers.filter { $0.value.unicodeScalars.contains("\u{FFFD}") }.map { $0.name }
        guard !lost.isEmpty else { return (headers, false) }
        var kept = headers
        for name in lost { kept.remove(name: name) }
        return (kept, lost.contains { ["content-encoding", "content-range"].contains($0.lowercased()) })
    }

    /// Whether the body is, or may be, a part and not the whole: no answer with status 200 says so, and some say it all the same.
    var claimsToBePart: Bool {
        headers.contains(name: "Content-Range")
            || headers.first(name: "Content-Type")?.lowercased().hasPrefix("multipart/byteranges") == true
    }

    /// Bytes of the body; `nil` where they are not stated.
    var contentLength: Int64? {
        guard !headers.contains(name: "Transfer-Encoding") else { return nil }
        return headers.first(name: "Content-Length").flatMap { Int64(digits: $0) }
    }

    func retryAfter(now: Timestamp) -> Duration? {
        headers.first(name: "Retry-After").flatMap { Duration(retryAfter: $0, now: now, limit: .seconds(3_600)) }
    }
}
