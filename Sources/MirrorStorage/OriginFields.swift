/// Header fields that some clients look for, beside those that say what the bytes are: kept with an object, and given to clients as they came.
public struct OriginFields: Sendable, Hashable {
    /// The fields that are kept, as they are written in an answer.
    public enum Name: String, Sendable, CaseIterable {
        /// Maven Resolver and Gradle spare a request for a file's checksum where its answer has them ("included checksums").
        case checksumMD5 = "X-Checksum-Md5"
        /// The same by SHA-1.
        case checksumSHA1 = "X-Checksum-Sha1"
        /// The same by SHA-256.
        case checksumSHA256 = "X-Checksum-Sha256"
        /// The same by SHA-512.
        case checksumSHA512 = "X-Checksum-Sha512"
        /// The commit that a file is of, for clients of the Hugging Face Hub.
        case repoCommit = "X-Repo-Commit"
        /// The `ETag` of the file that the Hub redirects to.
        case linkedETag = "X-Linked-ETag"
        /// Its size in bytes.
        case linkedSize = "X-Linked-Size"
    }

    /// Bytes of a value; longer ones are not kept. A SHA-512 has 128 digits.
    public static let maxLength = 160

    private var values: [Name: String] = [:]

    /// Without any field.
    public init() {}

    /// - Parameter text: ``text``; what cannot be read is left out.
    public init(text: String) {
        for pair in text.split(separator: " ") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let name = Name.allCases.first(where: { $0.rawValue.lowercased() == parts[0] }) else { continue }
            self[name] = parts[1]
        }
    }

    /// Whether there is no field.
    public var isEmpty: Bool { values.isEmpty }

    /// In the order of ``Name``.
    public var all: [(name: Name, value: String)] {
        Name.allCases.compactMap { name in values[name].map { (name: name, value: $0) } }
    }

    /// The value of a field. Setting one that is empty, too long, or not made of visible ASCII changes nothing.
    public subscript(name: Name) -> String? {
        get { values[name] }
        set {
            guard let newValue else { return values[name] = nil }
            guard (1...Self.maxLength).contains(newValue.utf8.count), newValue.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                return
            }
            values[name] = newValue
        }
    }

    /// All fields as stores keep them: `name=value`, with spaces between them. Empty if there are none.
    public var text: String {
        all.map { "\($0.name.rawValue.lowercased())=\($0.value)" }.joined(separator: " ")
    }
}
