/// Classes that an operator has named: the first pattern that an artifact's URL begins with is its class. What none fits is in the class of ``ClassRule/origin``.
///
/// In a pattern, `*` stands for any characters except `/`.
package struct ClassPatterns: Sendable, Equatable {
    package static let maxCount = 200

    private let patterns: [String]

    package init(_ patterns: [String] = []) {
        self.patterns = patterns
    }

    /// - Parameter url: An artifact's URL; its query is not looked at.
    package func artifactClass(of url: String) -> String {
        let path = Array(url.utf8.prefix { $0 != UInt8(ascii: "?") })
        return patterns.first { Self.begins(path, Array($0.utf8)) } ?? ClassRule.origin.artifactClass(of: path)
    }

    private static func begins(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (position, place) = (0, 0)
        // Where the last star was, and how far it reaches.
        var star: (place: Int, end: Int)?
        while place < pattern.count {
            if pattern[place] == UInt8(ascii: "*") {
                star = (place, position)
                place += 1
            } else if position < text.count, pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let last = star, last.end < text.count, text[last.end] != UInt8(ascii: "/") {
                star = (last.place, last.end + 1)
                place = last.place + 1
                position = last.end + 1
            } else {
                return false
            }
        }
        return true
    }
}
