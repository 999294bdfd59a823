import MirrorCore
import MirrorSettings

extension SettingKind where Value == String {
    /// What some server may call a bucket; what AWS allows is asked where it is known whose bucket it is.
    static var bucketName: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ isWordByte($0) }),
                    !text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") })
                else { throw InvalidValue("is not a bucket name; write letters, digits and - _ .") }
                return text
            }, text: { $0 })
    }

    /// A region as it stands in a signature.
    static var signingRegion: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...63).contains(text.utf8.count), text.utf8.allSatisfy({ isWordByte($0) }) else {
                    throw InvalidValue("is not a region name; write one such as eu-central-1")
                }
                return text
            }, text: { $0 })
    }

    /// Printable ASCII without blanks.
    static var word: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                    throw InvalidValue("is empty, too long, or contains a space or a character that is not ASCII")
                }
                return text
            }, text: { $0 })
    }

    /// What stands in front of keys, with a slash at its end.
    static var keyPrefix: Self {
        SettingKind(
            name: "path",
            parse: { (text, _) throws(InvalidValue) in
                let prefix = text.hasSuffix("/") ? text : "\(text)/"
                let segments = prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false)
                // A key of ours is 265 bytes at most, and S3 takes 1,024; the rest is room for what it costs to be percent-encoded.
                guard prefix.utf8.count <= 500, segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
                    prefix.utf8.allSatisfy({ $0 == UInt8(ascii: "/") || isWordByte($0) })
                else {
                    throw InvalidValue(
                        "is not a valid key prefix; write letters, digits and - _ . with single slashes, such as cloud-mirror/")
                }
                return prefix
            }, text: { $0 })
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte != UInt8(ascii: "~") && PercentCoding.isUnreserved(byte)
    }
}
