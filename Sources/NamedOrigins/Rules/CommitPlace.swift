/// How an artifact of a branch becomes one of a commit.
package struct CommitPlace: Sendable, Equatable {
    /// The header field of the origin's answer that names the commit.
    package let field: String
    /// The path segment that precedes the branch, or the commit.
    let segment: String

    package init(field: String, segment: String) {
        self.field = field
        self.segment = segment
    }

    /// - Parameter commit: As stated by the origin.
    /// - Returns: `nil` if it does not name a commit, and for a path without a branch.
    package func path(_ path: String, at commit: String) -> String? {
        guard commit.utf8.count == 40, commit.utf8.allSatisfy({ Self.digits.contains($0) }) else { return nil }
        var parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard let place = parts.firstIndex(of: segment), place + 2 < parts.count else { return nil }
        parts[place + 1] = commit
        return parts.joined(separator: "/")
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
