/// Makes texts that are awkward to encode, and whatever else is left to chance; the same for the same seed.
package struct AwkwardGenerator {
    private var random: SeededGenerator

    package init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    private static let pieces = [
        " ", "  ", "+", "%", "%2F", "%20", "%zz", "/", "//", "/../", "/./", "..", ".", "~", "'", "\"", "!", "*", "(", ")", "&", "=", "?",
        "#",
        ";", ":", "@", ",", "$", "[", "]", "\\", "|", "^", "`", "{", "}", "<", ">", "-", "_", "\u{1}", "\n", "\t", "\u{7f}", "ü",
        "e\u{301}",
        "é", "日本語", "🦊", "\u{202e}", "ß", "A", "a", "b", "z", "0", "firefox-50.tar.bz2", "dir",
    ]

    package mutating func text(_ pieces: Int) -> String {
        (0..<pieces).map { _ in pick(Self.pieces) }.joined()
    }

    /// The name of an object: now and then 1,000 bytes long, which is near what services allow.
    package mutating func key() -> String {
        guard number(10) == 0 else { return text(1 + number(8)) }
        var key = ""
        while key.utf8.count < 990 { key += pick(Self.pieces) }
        while key.utf8.count < 1_000 { key += "x" }
        return key
    }

    /// - Returns: Of 0..<bound.
    package mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
    package mutating func pick<Value>(_ values: [Value]) -> Value { values[number(values.count)] }
}
