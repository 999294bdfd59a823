import MirrorCore
import MirrorSettings
import MirrorStorage

extension SettingKind where Value == String {
    /// A bucket name that some server may allow; AWS's own rules are checked where it is known that the bucket is AWS's.
    static var bucketName: Self {
        checkedName("is not a bucket name; write letters, digits and - _ .") { text in
            (1...255).contains(text.count) && text.allSatisfy(isWordByte) && !text.allSatisfy { $0 == UInt8(ascii: ".") }
        }
    }

    /// A region as used in signatures.
    static var signingRegion: Self {
        checkedName("is not a region name; write one such as eu-central-1") { (1...63).contains($0.count) && $0.allSatisfy(isWordByte) }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte != UInt8(ascii: "~") && PercentCoding.isUnreserved(byte)
    }
}
