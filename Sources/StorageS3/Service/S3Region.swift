import MirrorCore

/// Checks region names that services state, which are used in signatures and, for Amazon, in host names.
enum S3Region {
    /// Whether it looks like a region of any service: `eu-central-1`, `auto`, `garage`.
    static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        return (1...32).contains(bytes.count) && bytes.allSatisfy { $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") }
            && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
    }

    /// Whether it looks like one of Amazon's: an area, directions, a number, such as `us-west-2` or `us-gov-east-1`. Names of other services
    /// (`s3-website-…`, `dualstack`) do not have this form.
    static func isAmazons(_ text: some StringProtocol) -> Bool {
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard isName(text), parts.count >= 3, let first = parts.first, let last = parts.last else { return false }
        return (2...4).contains(first.count) && (1...2).contains(last.count) && last.allSatisfy(\.isASCIIDigit)
            && parts.dropLast().allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isASCIILowercase) }
    }
}
