package import MirrorCore

/// The parts of a URL of an object, not decoded.
package struct ObjectURLParts {
    /// Lower-case.
    package let scheme: String
    /// All behind `://`.
    package let rest: Substring.UTF8View
    package let authority: Substring.UTF8View
    /// Without the slash at its beginning.
    package let path: Substring.UTF8View
    /// Without the question mark.
    package let query: Substring.UTF8View

    /// - Returns: `nil` for what is too long or has no scheme.
    package init?(_ text: String) {
        guard text.utf8.count <= ArtifactURL.maxLength, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text.utf8[colon...].starts(with: "://".utf8)
        else { return nil }
        scheme = text[..<colon].lowercased()
        rest = text.utf8[colon...].dropFirst(3)
        // RFC 3986 §3.5: the fragment is the client's own business.
        let whole = rest.prefix { $0 != UInt8(ascii: "#") }
        authority = whole.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let path = whole[authority.endIndex...].prefix { $0 != UInt8(ascii: "?") }
        self.path = path.dropFirst()
        query = whole[path.endIndex...].dropFirst()
    }

    /// The fields of the query: names decoded, values as they stand there; `nil` for a name that is not percent-encoded UTF-8.
    package var queryItems: [(name: String, value: Substring?)]? {
        var items: [(name: String, value: Substring?)] = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map { Substring($0) }
            guard let name = parts.first.flatMap({ PercentCoding.decode($0) }) else { return nil }
            items.append((name, parts.count == 2 ? parts[1] : nil))
        }
        return items
    }

    /// The server, if it is one of HTTP.
    package var site: ArtifactURL? {
        guard let scheme = ArtifactURL.Scheme(rawValue: scheme) else { return nil }
        // The strict parser knows about case, trailing dots, default ports and everything that is no host.
        return try? ArtifactURL("\(scheme.rawValue)://\(String(Substring(authority)))/")
    }

    /// The key in a path that begins with the name of a bucket; `nil` for another bucket's.
    package static func key(in path: Substring.UTF8View, of bucket: String) -> String? {
        let name = path.prefix { $0 != UInt8(ascii: "/") }
        guard PercentCoding.decode(Substring(name))?.utf8.elementsEqual(bucket.utf8) == true, name.endIndex < path.endIndex else {
            return nil
        }
        return PercentCoding.decode(Substring(path[name.endIndex...].dropFirst()))
    }

    /// Whether a URL can hold an object's name as it is: clients would resolve `.` and `..`.
    package static func canHold(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.split(separator: UInt8(ascii: "/")).allSatisfy { !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}

extension ArtifactURL {
    /// Whether this is the port of a server: with either scheme, each at its own port if the server is at its own.
    package func isPort(_ port: Int, of scheme: Scheme) -> Bool {
        self.port == port || port == scheme.defaultPort && self.port == self.scheme.defaultPort
    }
}
