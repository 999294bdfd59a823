package import MirrorCore

/// The parts of an object's URL, not decoded.
package struct ObjectURLParts {
    /// Lower-case.
    package let scheme: String
    /// Everything after `://`.
    package let rest: Substring.UTF8View
    package let authority: Substring.UTF8View
    /// Without its leading slash.
    package let path: Substring.UTF8View
    /// Without the question mark.
    package let query: Substring.UTF8View

    /// - Returns: `nil` if it is too long or has no scheme.
    package init?(_ text: String) {
        guard text.utf8.count <= ArtifactURL.maxLength, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text.utf8[colon...].starts(with: "://".utf8)
        else { return nil }
        scheme = text[..<colon].lowercased()
        rest = text.utf8[colon...].dropFirst(3)
        // RFC 3986 §3.5: the fragment is only for the client.
        let whole = rest.prefix { $0 != UInt8(ascii: "#") }
        authority = whole.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let path = whole[authority.endIndex...].prefix { $0 != UInt8(ascii: "?") }
        self.path = path.dropFirst()
        query = whole[path.endIndex...].dropFirst()
    }

    /// The fields of the query, with decoded names and raw values; `nil` if a name is not percent-encoded UTF-8.
    package var queryItems: [(name: String, value: Substring?)]? {
        var items: [(name: String, value: Substring?)] = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map { Substring($0) }
            guard let name = parts.first.flatMap({ PercentCoding.decode($0) }) else { return nil }
            items.append((name, parts.count == 2 ? parts[1] : nil))
        }
        return items
    }

    /// The server, if the scheme is HTTP or HTTPS.
    package var site: ArtifactURL? {
        guard let scheme = ArtifactURL.Scheme(rawValue: scheme) else { return nil }
        // The strict parser handles case, trailing dots, default ports and invalid hosts.
        return try? ArtifactURL("\(scheme.rawValue)://\(String(Substring(authority)))/")
    }

    /// The key in a path that begins with the bucket's name; `nil` for another bucket.
    package static func key(in path: Substring.UTF8View, of bucket: String) -> String? {
        let name = path.prefix { $0 != UInt8(ascii: "/") }
        guard PercentCoding.decode(Substring(name))?.utf8.elementsEqual(bucket.utf8) == true, name.endIndex < path.endIndex else {
            return nil
        }
        return PercentCoding.decode(Substring(path[name.endIndex...].dropFirst()))
    }

    /// Whether a URL can contain an object's name unchanged: clients would resolve `.` and `..`.
    package static func canHold(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.split(separator: UInt8(ascii: "/")).allSatisfy { !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}

extension ArtifactURL {
    /// Whether this URL has the port of a server; with the other scheme, if both use their default ports.
    package func isPort(_ port: Int, of scheme: Scheme) -> Bool {
        self.port == port || port == scheme.defaultPort && self.port == self.scheme.defaultPort
    }
}
