import MirrorCore
package import MirrorSettings

/// Values that pools in buckets of all services share.
extension SettingKind where Value == String {
    /// - Parameter problem: Why a text is not valid, phrased to follow the text.
    package static func checkedName(_ problem: String, isValid: @escaping @Sendable (String.UTF8View) -> Bool) -> Self {
        SettingKind(name: "name", problem: problem) { isValid($0.utf8) ? $0 : nil }
    }

    /// Printable ASCII without blanks.
    package static var word: Self {
        checkedName("is empty, too long, or contains a space or a character that is not ASCII") { text in
            (1...256).contains(text.count) && text.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    /// The prefix of keys, with a slash at its end.
    package static var keyPrefix: Self {
        SettingKind(
            name: "path", problem: "is not a valid key prefix; write letters, digits and - _ . with single slashes, such as cloud-mirror/"
        ) { text in
            let prefix = text.hasSuffix("/") ? text : "\(text)/"
            let segments = prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false)
            // A key is at most 265 bytes, and services accept 1,024; the rest is room for percent-encoding.
            guard prefix.utf8.count <= 500, segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
                prefix.utf8.allSatisfy({ $0 == UInt8(ascii: "/") || $0 != UInt8(ascii: "~") && PercentCoding.isUnreserved($0) })
            else { return nil }
            return prefix
        }
    }
}
