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

    /// The server, if it is one of HTTP.
    package var site: ArtifactURL? {
        guard let scheme = ArtifactURL.Scheme(rawValue: scheme) else { return nil }
        // The strict parser knows about case, trailing dots, default ports and everything that is no host.
        return try? ArtifactURL("\(scheme.rawValue)://\(String(Substring(authority)))/")
    }

    /// Whether a URL can hold an object's name as it is: clients would resolve `.` and `..`.
    package static func canHold(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.split(separator: UInt8(ascii: "/")).allSatisfy { !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
    }
}
