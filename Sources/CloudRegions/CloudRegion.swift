import MirrorCore

/// One region of one cloud, written `aws/us-west-2`.
package struct CloudRegion: Sendable, Hashable, CustomStringConvertible {
    package let cloud: Cloud
    /// As the region of a pool is called there: `us-west-2`, `europe-west4`, `francecentral`.
    package let name: String

    /// - Returns: `nil` unless the name is 1 to 40 characters of `a-z 0-9 -` and begins with a letter.
    package init?(_ cloud: Cloud, _ name: String) {
        guard Self.isName(name) else { return nil }
        self.cloud = cloud
        self.name = name
    }

    /// Reads `cloud/region`.
    package init?(_ text: String) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count == 2, let cloud = Cloud(rawValue: String(words[0])) else { return nil }
        self.init(cloud, String(words[1]))
    }

    package var description: String { "\(cloud.rawValue)/\(name)" }

    private static func isName(_ name: String) -> Bool {
        guard (1...40).contains(name.utf8.count), let first = name.utf8.first, first.isASCIILowercase else { return false }
        return name.utf8.allSatisfy { $0.isASCIILowercaseOrDigit || $0 == UInt8(ascii: "-") }
    }
}
