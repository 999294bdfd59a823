import MirrorCore
import MirrorStorage
import NIOHTTP1

/// What an origin says about an artifact, and its bytes or a range of them, after a check against the request and what is known.
struct OriginResponse: Sendable {
    /// The range that `body` holds; `nil` for the whole artifact.
    let range: ByteRange?
    /// The size of the whole artifact in bytes, if it is stated now or was before.
    let totalSize: Int64?
    /// A size that the artifact is unlikely to have: exactly that of the requested part, while nothing says that the body is the whole.
    let suspectSize: Int64?
    /// A strong entity tag with its quotes; weak ones say nothing about bytes.
    let strongETag: String?
    let headers: HTTPHeaders
    /// Digests of the whole artifact.
    let statedDigests: [Digest]
    let body: ByteStream
    /// The URL that answered, at the end of the redirect chain.
    let url: ArtifactURL
    let addresses: [ArtifactURL]
    private let fields: OriginFields

    /// - Parameter requested: The range that was requested; `nil` for the whole artifact.
    /// - Parameter size: The size of the whole artifact in bytes, if the origin has stated it before.
    /// - Parameter known: A digest of the whole artifact that its URL states.
    /// - Throws: ``CopyError`` if the status is not a success, or if the answer is not, or may not be, what was requested.
    init(_ answer: OriginAnswer, requested: ByteRange?, size: Int64? = nil, known: Digest? = nil, now: Timestamp) throws(CopyError) {
        headers = answer.headers
        body = answer.body
        url = answer.url
        addresses = answer.addresses
        fields = answer.fields
        strongETag = answer.headers.first(name: "ETag").flatMap { $0.hasPrefix("\"") && $0.utf8.count >= 3 ? $0 : nil }
        if answer.isUnreadable, (200..<300).contains(answer.status) { throw Self.unusable("fields that are not text") }
        let stated: Int64?
        switch answer.status {
        case 200, 203:
            guard !answer.claimsToBePart else { throw Self.unusable("a part that it presents as the whole") }
            stated = answer.contentLength
            range = nil
            suspectSize = stated == nil && size == nil ? requested?.length : nil
            if let stated, stated == requested?.length, size == nil {
                throw Self.unusable("as many bytes as were requested, without saying whether that is all")
            }
        case 206:
            guard let requested, let held = answer.part(of: requested) else { throw Self.unusable("a range that was not requested") }
            stated = held.total
            range = held.range
            suspectSize = nil
        default:
            throw Self.error(answer, now: now)
        }
        if let stated, let size, stated != size { throw Self.unusable("\(stated) bytes, but had stated \(size) before") }
        totalSize = stated ?? size
        statedDigests = StatedDigests.read(headers, isWhole: range == nil || range?.length == totalSize) + (known.map { [$0] } ?? [])
    }

    func metadata(of artifact: ArtifactURL, stored: Timestamp) -> ObjectMetadata {
        // The codings of several fields are one list (RFC 9110 §5.2).
        let codings = headers["Content-Encoding"].joined(separator: ", ")
        return ObjectMetadata(
            contentType: headers.first(name: "Content-Type"), contentEncoding: codings.isEmpty ? nil : codings,
            contentDisposition: headers.first(name: "Content-Disposition"), upstreamURL: artifact.description,
            upstreamETag: headers.first(name: "ETag"), upstreamContentLength: totalSize,
            upstreamLastModified: headers.first(name: "Last-Modified").flatMap(Timestamp.init(httpDate:)), stored: stored,
            addresses: addresses.map(\.redacted), originFields: fields)
    }

    private static func unusable(_ what: String) -> CopyError {
        CopyError(.transfer, isTransient: true, "the origin answered with \(what)")
    }

    private static func error(_ answer: OriginAnswer, now: Timestamp) -> CopyError {
        let status = answer.status
        switch status {
        case 408, 425, 429, 500...599:
            return CopyError(
                .origin(status: status), isTransient: true, "the origin answered \(status)", retryAfter: answer.retryAfter(now: now))
        case 400...499:
            return CopyError(.origin(status: status), isTransient: false, "the origin answered \(status)")
        default:
            return CopyError(.transfer, isTransient: false, "the origin answered \(status), which is not an artifact")
        }
    }
}

extension CopyError {
    /// Whether the origin might give a better answer to a request without `Range`. That is so unless the status is about the artifact itself, or asks
    /// for patience.
    var mayComeOfTheRequest: Bool {
        switch reason {
        case .origin(let status): ![404, 408, 410, 425, 429, 502, 503, 504].contains(status)
        case .transfer: true
        case .refused, .redirect, .content, .tooLarge, .storage, .noRoom, .unfinished: false
        }
    }
}

extension OriginAnswer {
    /// What a partial answer contains; `nil` if that is not as much of `requested` as the artifact has, or if its fields are not consistent.
    fileprivate func part(of requested: ByteRange) -> (range: ByteRange, total: Int64)? {
        guard headers["Content-Range"].count == 1, let stated = ContentRange(headers.first(name: "Content-Range") ?? ""),
            let range = stated.bytes, let total = stated.total, range == requested.clamped(toSize: total),
            contentLength ?? range.length == range.length,
            headers.first(name: "Content-Type")?.lowercased().hasPrefix("multipart/byteranges") != true
        else { return nil }
        return (range, total)
    }
}
