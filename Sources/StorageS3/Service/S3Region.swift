import MirrorCore

/// Names of regions that services say: they get into signatures and, of Amazon's, into the names of hosts.
enum S3Region {
    /// Whether it looks like one of any service: `eu-central-1`, `auto`, `garage`.
    static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        return (1...32).contains(bytes.count) && bytes.allSatisfy { $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") }
            && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
    }

    /// Whether it looks like one of Amazon's: `us-west-2`, `us-gov-east-1`: an area, directions, a number. Names of other services (`s3-website-…`,
    /// `dualstack`) have no such form.
    static func isAmazons(_ text: some StringProtocol) -> Bool {
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard isName(text), parts.count >= 3, let first = parts.first, let last = parts.last else { return false }
        return (2...4).contains(first.count) && (1...2).contains(last.count) && last.allSatisfy(\.isASCIIDigit)
            && parts.dropLast().allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isASCIILowercase) }
    }
}
