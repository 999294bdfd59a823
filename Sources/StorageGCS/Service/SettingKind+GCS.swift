import MirrorCore
import MirrorSettings
import MirrorStorage

extension SettingKind where Value == String {
    /// Cloud Storage, "About buckets", bucket names.
    static var bucketName: Self {
        checkedName("is not a valid bucket name; write 3 to 63 of a-z 0-9 - _ . that begin and end with a letter or digit") { text in
            // With dots it is the name of a domain, each of whose words has 63 characters.
            let words = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard (3...222).contains(text.count), words.allSatisfy({ (1...63).contains($0.count) }), let first = text.first,
                let last = text.last, first.isASCIILowercaseOrDigit, last.isASCIILowercaseOrDigit
            else { return false }
            return text.allSatisfy { $0.isASCIILowercaseOrDigit || "-_.".utf8.contains($0) } && IPAddress(String(text)) == nil
        }
    }

    /// A location of buckets: `us-central1`, `eu`, `nam4`.
    static var location: Self {
        SettingKind(name: "name", problem: "is not a location name; write one such as us-central1 or eu") { text in
            let location = text.lowercased()
            let isValid =
                (2...63).contains(location.utf8.count)
                && location.utf8.allSatisfy { $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") }
            return isValid ? location : nil
        }
    }

    /// Resource Manager, "Creating and managing projects": an ID or a number. Old ones have a domain in front.
    static var project: Self {
        checkedName("is not a project; write its ID, such as my-project-123") { text in
            (1...128).contains(text.count) && text.allSatisfy { $0.isASCIILowercaseOrDigit || "-.:".utf8.contains($0) }
        }
    }

    /// The address of a service account.
    static var account: Self {
        SettingKind(
            name: "address", problem: "is not the address of a service account; write name@project.iam.gserviceaccount.com"
        ) { Impersonation.isAccount($0) && $0.utf8.contains(UInt8(ascii: "@")) ? $0 : nil }
    }
}
