/// Names a pool: one bucket (or directory) in one region of one service, written `s3/eu-central-1`.
public struct PoolID: Sendable, Hashable, CustomStringConvertible {
    /// The kind of storage: `local`, `s3`, …
    public let service: String
    /// The pool's name within its service: `eu-central-1`, `dev`, …
    public let region: String

    /// - Returns: `nil` unless each word is 1 to 63 characters of `a-z 0-9 - _ .` and begins with a letter or digit.
    public init?(service: String, region: String) {
        guard Self.isWord(service), Self.isWord(region) else { return nil }
        self.service = service
        self.region = region
    }

    /// Reads `service/region`.
    public init?(_ text: String) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count == 2 else { return nil }
        self.init(service: String(words[0]), region: String(words[1]))
    }

    public var description: String { "\(service)/\(region)" }

    private static func isWord(_ word: String) -> Bool {
        guard (1...63).contains(word.utf8.count), let first = word.utf8.first, first.isASCIILowercaseOrDigit else { return false }
        return word.utf8.allSatisfy {
            $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
    }
}
