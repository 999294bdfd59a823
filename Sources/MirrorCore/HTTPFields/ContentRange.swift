/// A `Content-Range` field of bytes (RFC 9110 §14.4).
package struct ContentRange: Sendable, Equatable {
    /// `nil` in the form `bytes */1234` of a 416.
    package let bytes: ByteRange?
    /// The size of the whole in bytes; `nil` for `*`.
    package let total: Int64?

    /// - Returns: `nil` for anything else, and for a range that contradicts the total.
    package init?(_ field: String) {
        guard field.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = field.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        if parts[1] == "*" {
            total = nil
        } else {
            guard let number = Int64(digits: parts[1]) else { return nil }
            total = number
        }
        guard parts[0] != "*" else {
            guard total != nil else { return nil }
            bytes = nil
            return
        }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int64(digits: ends[0]), let last = Int64(digits: ends[1]), first <= last,
            last < total ?? .max, let range = ByteRange(offset: first, length: last - first + 1)
        else { return nil }
        bytes = range
    }
}

extension FixedWidthInteger {
    /// Reads only digits; `init(_:)` also accepts a sign.
    ///
    /// - Returns: `nil` for anything else, for an empty text, and for a number that does not fit.
    package init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        self.init(text, radix: 10)
    }
}
