import MirrorCore
import NamedOrigins

/// The location of a hop, which redirects a client to the mirror itself.
///
/// Relative, because only the client knows how it reached the mirror; the rest of the target stays as written.
enum HopLocation {
    /// More than any client follows.
    static let maxNumber = 100

    /// The value of the parameter `hop`; `nil` if it is not a number from 0 to ``maxNumber``.
    static func number(_ text: some StringProtocol) -> Int? {
        guard text.utf8.count <= 3 else { return nil }
        return Int(digits: text).flatMap { $0 <= maxNumber ? $0 : nil }
    }

    /// - Parameter path: The request's own, as sent; begins with a single slash.
    /// - Parameter query: As sent.
    /// - Parameter publicURL: How clients reach the mirror; its path, if it has one, is not part of the requests that arrive here.
    static func location(_ number: Int, path: String, query: String?, publicURL: String?) -> String {
        if let rest = NamedRoutes.rest(of: path) {
            let behind = NamedOriginTable.path(rest, hop: number)
            return pathPrefix(publicURL) + NamedRoutes.prefix + behind + (query.map { "?\($0)" } ?? "")
        }
        // By bytes, as in QueryFields: a combining mark after `&` or `=` must not hide a field.
        var fields = query.map { $0.isEmpty ? [] : $0.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) } ?? []
        // The report of a missing copy has been dealt with.
        fields.removeAll { field in
            let name = field.prefix { $0 != UInt8(ascii: "=") }
            return ["hop", "missing"].contains { name.elementsEqual($0.utf8) }
        }
        return pathPrefix(publicURL) + path + "?" + (fields.map { Substring($0) } + ["hop=\(number)"]).joined(separator: "&")
    }

    /// The path of the public URL, which a location without a host must include.
    static func pathPrefix(_ publicURL: String?) -> String {
        guard let url = publicURL.flatMap({ try? ArtifactURL($0) }), url.path != "/" else { return "" }
        return url.path
    }
}
