import MirrorCore
import MirrorSettings

extension SettingKind where Value == String {
    /// What some server may call a bucket; what AWS allows is asked where it is known whose bucket it is.
    static var bucketName: Self {
        checkedName("is not a bucket name; write letters, digits and - _ .") { text in
            (1...255).contains(text.count) && text.allSatisfy(isWordByte) && !text.allSatisfy { $0 == UInt8(ascii: ".") }
        }
    }

    /// A region as it stands in a signature.
    static var signingRegion: Self {
        checkedName("is not a region name; write one such as eu-central-1") { (1...63).contains($0.count) && $0.allSatisfy(isWordByte) }
    }

    /// Printable ASCII without blanks.
    static var word: Self {
        checkedName("is empty, too long, or contains a space or a character that is not ASCII") { text in
            (1...256).contains(text.count) && text.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    private static func checkedName(_ problem: String, isValid: @escaping @Sendable (String.UTF8View) -> Bool) -> Self {
        SettingKind(name: "name", problem: problem) { isValid($0.utf8) ? $0 : nil }
    }

    /// What stands in front of keys, with a slash at its end.
    static var keyPrefix: Self {
        SettingKind(
            name: "path", problem: "is not a valid key prefix; write letters, digits and - _ . with single slashes, such as cloud-mirror/"
        ) { text in
            let prefix = text.hasSuffix("/") ? text : "\(text)/"
            let segments = prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false)
            // A key of ours is 265 bytes at most, and S3 takes 1,024; the rest is room for what it costs to be percent-encoded.
            guard prefix.utf8.count <= 500, segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
                prefix.utf8.allSatisfy({ $0 == UInt8(ascii: "/") || isWordByte($0) })
            else { return nil }
            return prefix
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte != UInt8(ascii: "~") && PercentCoding.isUnreserved(byte)
    }
}
