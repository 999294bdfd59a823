import MirrorCore
import MirrorStorage
import NIOHTTP1

/// What an origin says of an artifact, and its bytes or a range of them, once that has been checked against what was asked for and what is known.
struct OriginResponse: Sendable {
    /// The range that `body` holds; `nil` for the whole artifact.
    let range: ByteRange?
    /// The whole artifact's bytes, where they are stated, now or before.
    let totalSize: Int64?
    /// Bytes that the artifact hardly has: it would be just as long as the part that was asked for, and nothing says that it is the whole.
    let suspectSize: Int64?
    /// A strong entity tag with its quotes; weak ones say nothing of bytes.
    let strongETag: String?
    let headers: HTTPHeaders
    /// Of the whole artifact.
    let statedDigests: [Digest]
    let body: ByteStream
    /// What answered, at the end of the redirect chain.
    let url: ArtifactURL
    let addresses: [ArtifactURL]

    /// - Parameter requested: The range that was asked for; `nil` for the whole.
    /// - Parameter size: Bytes of the whole artifact, where the origin has stated them before.
    /// - Parameter known: A digest of the whole artifact that its URL states.
    /// - Throws: ``CopyError`` for a status that is not success, and for what is not, or not surely, what was asked for.
    init(_ answer: OriginAnswer, requested: ByteRange?, size: Int64? = nil, known: Digest? = nil, now: Timestamp) throws(CopyError) {
        headers = answer.headers
        body = answer.body
        url = answer.url
        addresses = answer.addresses
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
            addresses: addresses.map(\.redacted))
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
    /// Whether an origin that answered like this might answer better to a request without `Range`: to all but those that speak of the artifact, or ask for
    /// patience.
    var mayComeOfTheRequest: Bool {
        switch reason {
        case .origin(let status): ![404, 408, 410, 425, 429, 502, 503, 504].contains(status)
        case .transfer: true
        case .refused, .redirect, .content, .tooLarge, .storage, .noRoom, .unfinished: false
        }
    }
}

extension OriginAnswer {
    /// What a partial answer holds, where it is as much of `requested` as there is, and all that it says goes together.
    fileprivate func part(of requested: ByteRange) -> (range: ByteRange, total: Int64)? {
        guard headers["Content-Range"].count == 1, let stated = ContentRange(headers.first(name: "Content-Range") ?? ""),
            let range = stated.bytes, let total = stated.total, range == requested.clamped(toSize: total),
            contentLength ?? range.length == range.length,
            headers.first(name: "Content-Type")?.lowercased().hasPrefix("multipart/byteranges") != true
        else { return nil }
        return (range, total)
    }
}
