import MirrorCore
import MirrorSettings

extension SettingKind where Value == String {
    /// Cloud Storage, "About buckets", bucket names.
    static var bucketName: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard isBucketName(text) else {
                    throw InvalidValue(
                        "is not a valid bucket name; write 3 to 63 of a-z 0-9 - _ . that begin and end with a letter or digit")
                }
                return text
            }, text: { $0 })
    }

    private static func isBucketName(_ text: String) -> Bool {
        let isEnd = { (byte: UInt8) in isLowerCase(byte) || isDigit(byte) }
        let isInside = { (byte: UInt8) in isEnd(byte) || "-_.".utf8.contains(byte) }
        // With dots it is the name of a domain, each of whose words has 63 characters.
        let words = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return (3...222).contains(text.utf8.count) && words.allSatisfy { (1...63).contains($0.count) } && text.utf8.allSatisfy(isInside)
            && text.utf8.first.map(isEnd) == true && text.utf8.last.map(isEnd) == true && IPAddress(text) == nil
    }

    /// A location of buckets: `us-central1`, `eu`, `nam4`.
    static var location: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                let location = text.lowercased()
                guard (2...63).contains(location.utf8.count),
                    location.utf8.allSatisfy({ isLowerCase($0) || isDigit($0) || $0 == UInt8(ascii: "-") })
                else { throw InvalidValue("is not a location name; write one such as us-central1 or eu") }
                return location
            }, text: { $0 })
    }

    /// Resource Manager, "Creating and managing projects": an ID or a number. Old ones have a domain in front.
    static var project: Self {
        SettingKind(
            name: "name",
            parse: { (text, _) throws(InvalidValue) in
                guard (1...128).contains(text.utf8.count),
                    text.utf8.allSatisfy({ isLowerCase($0) || isDigit($0) || "-.:".utf8.contains($0) })
                else { throw InvalidValue("is not a project; write its ID, such as my-project-123") }
                return text
            }, text: { $0 })
    }

    /// The address of a service account.
    static var account: Self {
        SettingKind(
            name: "address",
            parse: { (text, _) throws(InvalidValue) in
                guard Impersonation.isAccount(text), text.utf8.contains(UInt8(ascii: "@")) else {
                    throw InvalidValue("is not the address of a service account; write name@project.iam.gserviceaccount.com")
                }
                return text
            }, text: { $0 })
    }

    private static func isLowerCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
