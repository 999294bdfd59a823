import MirrorCore

/// What the path of a redirect or purge request names: an artifact, and perhaps a pool.
struct RequestTarget: Equatable {
    let pool: PoolWords?
    /// The artifact's URL as the client wrote it; not validated here.
    let url: String

    /// The pool as written in the path; not looked up here.
    struct PoolWords: Equatable {
        let service: String
        let region: String

        var id: PoolID? { PoolID(service: service, region: region) }
    }

    /// Reads what follows the route: `{url}` or `{service}/{region}/{url}`, with the URL percent-encoded or base64url-encoded.
    ///
    /// - Parameter route: What the path begins with: `/v1/redirect/`.
    /// - Throws: ``RequestError`` `InputError`, which says how to write it.
    init(_ path: String, behind route: String) throws(RequestError) {
        // By bytes: a path need not be ASCII, and a combining mark after a slash must not hide it.
        let rest = path.utf8.dropFirst(route.utf8.count)
        let segments = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        switch segments.count {
        case 1:
            pool = nil
            url = try Self.url(segments[0])
        case 3 where segments[0].utf8.last != UInt8(ascii: ":"):
            guard let service = PercentCoding.decode(segments[0]), let region = PercentCoding.decode(segments[1]) else {
                throw RequestError(.inputError, "the pool's name is not valid percent-encoding")
            }
            pool = PoolWords(service: service, region: region)
            url = try Self.url(segments[2])
        default:
            throw RequestError(
                .inputError,
                "the URL must be one path segment: percent-encode it (https%3A%2F%2Fhost%2Fpath) or base64url-encode it")
        }
    }

    /// A request's path as it may be shown in an answer: without the query of an artifact's URL, which may contain a signature.
    static func shown(_ path: some StringProtocol) -> String {
        let bytes = Array(path.utf8)
        let segment = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        // Also if it was encoded twice, which is refused.
        let marks = ["?", "%3f", "%253f"].map { Array($0.utf8) }
        let mark = (segment..<bytes.count).first { at in marks.contains { bytes[at...].startsIgnoringCase($0) } }
        let end = mark ?? (isBase64WithQuery(bytes[segment...]) ? segment : bytes.count)
        return String(decoding: bytes[..<end].prefix(2_048), as: UTF8.self) + (end < bytes.count ? "…" : "")
    }

    private static func isBase64WithQuery(_ segment: ArraySlice<UInt8>) -> Bool {
        guard let bytes = PercentCoding.decode(String(decoding: segment, as: UTF8.self)).flatMap({ Base64.decode($0) }) else {
            return false
        }
        return bytes.contains(UInt8(ascii: ":")) && bytes.contains(UInt8(ascii: "?"))
    }

    private static func url(_ segment: Substring) throws(RequestError) -> String {
        guard !segment.isEmpty else { throw RequestError(.inputError, "there is no URL at the end of the path") }
        guard let text = PercentCoding.decode(segment) else {
            throw RequestError(.inputError, "the URL is not valid percent-encoding of UTF-8")
        }
        guard !text.utf8.contains(UInt8(ascii: ":")), let bytes = Base64.decode(text) else { return text }
        return String(validating: bytes, as: UTF8.self) ?? text
    }
}

extension Sequence<UInt8> {
    /// - Parameter prefix: Lower-case ASCII.
    fileprivate func startsIgnoringCase(_ prefix: [UInt8]) -> Bool {
        starts(with: prefix) { $0.asciiLowercased == $1 }
    }
}
