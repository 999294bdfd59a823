/// An artifact's origin URL, parsed strictly and in canonical form, so that an artifact has only one name.
///
/// Normalised (RFC 3986 §6.2) are the case of scheme and host, a trailing dot of the host, the scheme's default port, an empty path,
/// the case of percent-escapes, escapes of unreserved characters, dot segments (also as `%2e`), and characters that must be escaped.
/// The fragment is dropped. The query stays as it is, because signatures depend on it.
///
/// Refused are schemes other than http and https, user names and passwords, hosts that are numbers in unusual notation (`0x7f.1`,
/// `2130706433`, `0177.0.0.1`), hosts that are not ASCII, backslashes, control characters, broken escapes, and more than ``maxLength`` bytes.
public struct ArtifactURL: Sendable, Hashable, CustomStringConvertible {
    /// The protocol that an artifact is fetched with.
    public enum Scheme: String, Sendable, Hashable {
        /// Plain HTTP.
        case http
        /// HTTP over TLS.
        case https

        /// 80 or 443.
        public var defaultPort: Int { self == .https ? 443 : 80 }
    }

    /// Bytes; longer URLs are refused.
    public static let maxLength = 8_192

    /// `http` or `https`.
    public let scheme: Scheme
    /// Lower-case; an IPv6 address without its brackets.
    public let host: String
    /// The effective port, 1...65535.
    public let port: Int
    /// Begins with `/`; percent-encoded.
    public let path: String
    /// Without the `?`; percent-encoded; `nil` if there is no `?`.
    public let query: String?
    /// The canonical form.
    public let description: String

    /// - Throws: ``ArtifactURLError`` that says what is wrong.
    public init(_ text: String) throws(ArtifactURLError) {
        guard text.utf8.count <= Self.maxLength else { throw ArtifactURLError("it is longer than \(Self.maxLength) bytes") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw ArtifactURLError("it contains control characters") }
        // By bytes, not characters, so that a combining mark cannot hide a slash.
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else {
            throw ArtifactURLError("it has no scheme; write https://host/path")
        }
        guard let scheme = Scheme(rawValue: text[..<colon].lowercased()) else {
            throw ArtifactURLError("its scheme is neither https nor http")
        }
        let rest = bytes[colon...].dropFirst(3)
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        let (host, port) = try HostPort.parse(Substring(authority), scheme: scheme)
        let (path, query) = Self.pathAndQuery(rest[authority.endIndex...])
        try self.init(scheme: scheme, host: host, port: port, path: path, query: query)
    }

    private init(scheme: Scheme, host: String, port: Int, path: String, query: String?) throws(ArtifactURLError) {
        self.init(
            scheme: scheme, host: host, port: port, normalizedPath: try PathNormalizer.normalize(path),
            encodedQuery: query.map { PercentCoding.encode($0, where: Self.isAllowedInQuery) })
        guard description.utf8.count <= Self.maxLength else { throw ArtifactURLError("it is longer than \(Self.maxLength) bytes") }
    }

    private init(scheme: Scheme, host: String, port: Int, normalizedPath: String, encodedQuery: String?) {
        self.scheme = scheme
        self.host = host
        self.port = port
        path = normalizedPath
        query = encodedQuery
        var text = "\(scheme.rawValue)://\(Self.bracketed(host))"
        if port != scheme.defaultPort { text += ":\(port)" }
        text += normalizedPath
        if let encodedQuery { text += "?\(encodedQuery)" }
        description = text
    }

    /// The same URL with another query, which must come from an artifact's URL.
    package func replacingQuery(with query: String?) -> ArtifactURL {
        ArtifactURL(
            scheme: scheme, host: host, port: port, normalizedPath: path,
            encodedQuery: query.map { PercentCoding.encode($0, where: Self.isAllowedInQuery) })
    }

    /// Resolves a reference from a `Location` field against this URL (RFC 3986 §5.2).
    public func resolving(_ reference: String) throws(ArtifactURLError) -> ArtifactURL {
        let bytes = reference.utf8
        if bytes.first(where: { ":/?#".utf8.contains($0) }) == UInt8(ascii: ":") { return try ArtifactURL(reference) }
        if bytes.starts(with: "//".utf8) { return try ArtifactURL("\(scheme.rawValue):\(reference)") }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw ArtifactURLError("it contains control characters") }
        var (newPath, query) = Self.pathAndQuery(bytes[...])
        if newPath.isEmpty {
            newPath = path
            if query == nil { query = self.query }
        } else if newPath.utf8.first != UInt8(ascii: "/") {
            newPath = path[...(path.lastIndex(of: "/") ?? path.startIndex)] + newPath
        }
        return try ArtifactURL(scheme: scheme, host: host, port: port, path: newPath, query: query)
    }

    /// Splits the text after the authority, and drops the fragment.
    private static func pathAndQuery(_ text: Substring.UTF8View) -> (path: String, query: String?) {
        let withoutFragment = text.prefix { $0 != UInt8(ascii: "#") }
        let path = withoutFragment.prefix { $0 != UInt8(ascii: "?") }
        let query = withoutFragment[path.endIndex...].dropFirst()
        return (String(Substring(path)), path.endIndex == withoutFragment.endIndex ? nil : String(Substring(query)))
    }

    /// The maximum length of ``redacted``, in bytes.
    public static let maxRedactedLength = 512

    /// The form for logs and messages: truncated, and without the query, which may contain a signature. A truncated URL ends with the first digits
    /// of the SHA-256 of the URL without its query.
    public var redacted: String {
        let mark = query == nil ? "" : "?…"
        let text = query == nil ? description : String(Substring(description.utf8.prefix { $0 != UInt8(ascii: "?") }))
        return text.cut(to: Self.maxRedactedLength - mark.utf8.count) + mark
    }

    /// `host` or `host:port`, as in a `Host` field.
    public var authority: String {
        port == scheme.defaultPort ? Self.bracketed(host) : "\(Self.bracketed(host)):\(port)"
    }

    /// The host, if it is an address.
    package var hostAddress: IPAddress? { IPAddress(host) }

    private static func bracketed(_ host: String) -> String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    private static func isAllowedInQuery(_ byte: UInt8) -> Bool {
        // RFC 3986 §3.4, and "%" (already escaped) with the brackets that servers in practice see unescaped.
        PercentCoding.isUnreserved(byte) || "!$&'()*+,;=:@/?%[]|".utf8.contains(byte)
    }
}

/// What is wrong with a URL, in words that may be shown to the sender.
public struct ArtifactURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, phrased to follow a colon: "its scheme is neither https nor http".
    public let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    public var description: String { "not an artifact URL: \(reason)" }
}
