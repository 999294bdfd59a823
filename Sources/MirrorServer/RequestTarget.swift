import MirrorCore

/// What a redirect or purge route's path names: an artifact, and perhaps a pool.
struct RequestTarget: Equatable {
    let pool: PoolWords?
    let artifact: ArtifactURL

    /// The pool as it stands in the path; whether there is such a pool is for others to know.
    struct PoolWords: Equatable {
        let service: String
        let region: String

        var id: PoolID? { PoolID(service: service, region: region) }
    }

    /// Reads what stands behind the route's own words: `{url}` or `{service}/{region}/{url}`, the URL percent-encoded or base64url-encoded.
    ///
    /// - Parameter route: What the path begins with: `/v1/redirect/`.
    /// - Parameter parse: Reads a URL in the words of the client.
    /// - Throws: ``RequestError`` `InputError`, saying how to write it.
    init(_ path: String, behind route: String, parse: (String) throws(ArtifactURLError) -> ArtifactURL) throws {
        // By bytes: a path need not be ASCII, and a mark that combines with a slash must not hide it.
        let rest = path.utf8.dropFirst(route.utf8.count)
        let segments = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        switch segments.count {
        case 1:
            pool = nil
            artifact = try Self.artifact(segments[0], parse)
        case 3 where segments[0].utf8.last != UInt8(ascii: ":"):
            guard let service = PercentCoding.decode(segments[0]), let region = PercentCoding.decode(segments[1]) else {
                throw RequestError(.inputError, "the pool's name is not valid percent-encoding")
            }
            pool = PoolWords(service: service, region: region)
            artifact = try Self.artifact(segments[2], parse)
        default:
            throw RequestError(
                .inputError,
                "the URL must be one path segment: percent-encode it (https%3A%2F%2Fhost%2Fpath) or base64url-encode it")
        }
    }

    private static func artifact(
        _ segment: Substring, _ parse: (String) throws(ArtifactURLError) -> ArtifactURL
    ) throws -> ArtifactURL {
        guard !segment.isEmpty else { throw RequestError(.inputError, "there is no URL at the path's end") }
        guard let text = PercentCoding.decode(segment) else {
            throw RequestError(.inputError, "the URL is not valid percent-encoding of UTF-8")
        }
        do {
            if !text.utf8.contains(UInt8(ascii: ":")), let bytes = Base64.decode(text),
                let decoded = String(validating: bytes, as: UTF8.self)
            {
                return try parse(decoded)
            }
            return try parse(text)
        } catch {
            throw RequestError(.inputError, error.description)
        }
    }
}
