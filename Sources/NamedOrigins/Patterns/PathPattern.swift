import MirrorCore
import MirrorNet

/// A pattern of paths: `/simple/{project}/`, `**/*.{whl,zip}`, `/v2/**/blobs/sha256:{digest:hex64}`.
///
/// - `*` is any text without a slash, also none; `**` is any text, also none, and `**/` any number of whole segments.
/// - `{name}` is any text without a slash, at least one byte of it. `{name:KIND}` is text of a kind: `hex40`, `hex64`, `hex128` (lower-case hexadecimal
///   digits), `digits`, or `version` (`1.2.3`, with what may follow it after a hyphen or plus sign).
/// - `{one,two}` is one of these texts, in which `*` has its meaning.
///
/// The whole path has to match. A pattern that does not begin with `/` may begin at any segment. Paths are compared in the canonical form of an
/// ``ArtifactURL``. Matching takes time proportional to the length of the path times that of the pattern (`PatternProgram`).
package struct PathPattern: Sendable, Equatable, CustomStringConvertible {
    package struct SyntaxError: Error {
        /// Phrased to follow the pattern: "does not close a brace".
        package let reason: String
    }

    package struct Match: Sendable, Equatable {
        /// The position of the hexadecimal digits in the bytes of the path; `nil` if the pattern has none.
        package let digits: Range<Int>?
    }

    package let description: String
    /// How many hexadecimal digits the pattern has in braces; `nil` for none.
    package let digitCount: Int?
    private let program: PatternProgram

    package init(_ text: String) throws(SyntaxError) {
        var parser = PathPatternParser(text)
        let node = try parser.parse()
        do throws(PatternProgram.SyntaxError) { program = try PatternProgram(node) } catch { throw SyntaxError(reason: error.reason) }
        digitCount = parser.digitCount
        description = text
    }

    /// Matches every path.
    package static let everything = PathPattern(.everything, "**")
    /// Matches no path.
    static let nothing = PathPattern(.nothing, "")

    private init(_ program: PatternProgram, _ description: String) {
        self.program = program
        digitCount = nil
        self.description = description
    }

    /// - Parameter path: Begins with `/`; percent-encoded.
    package func match(_ path: some StringProtocol) -> Match? {
        guard let match = program.match(path.utf8) else { return nil }
        guard let digitCount, let end = match.mark else { return Match(digits: nil) }
        return Match(digits: end - digitCount..<end)
    }

    package static func == (one: PathPattern, other: PathPattern) -> Bool { one.description == other.description }
}
