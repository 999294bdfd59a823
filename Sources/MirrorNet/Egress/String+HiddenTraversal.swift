import MirrorCore

extension String {
    /// Whether a lenient server could find a `..` segment or a backslash in this path, and so leave its prefix.
    ///
    /// An ``ArtifactURL`` has no plain `..`, but may have disguises that some servers decode: percent-encoded slashes (`..%2F`), once
    /// or several times over (`..%252F`), overlong UTF-8 (`..%C0%AF`, and `..%C0%2F`, whose second byte some decoders do not check), other
    /// escapes (`..%u2215`), full-width forms of dots and slashes, control characters that are dropped or end a name (`..%0A/`), and parameters that
    /// servlet containers drop (`..;x`). A NUL, at which some servers end the whole path, is refused anywhere.
    package var hasHiddenTraversal: Bool {
        guard utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: ";") }) else { return false }
        var bytes = Array(utf8)
        for _ in 0..<Self.maxLayers {
            if bytes.contains(0) || Self.leavesItsPrefix(bytes) { return true }
            let decoded = Self.percentDecoded(bytes)
            guard decoded.count < bytes.count else { return false }
            bytes = decoded
        }
        // There is no honest reason to encode a name so many times.
        return true
    }

    /// A path that can be decoded more often than this counts as a disguise for that reason alone.
    static let maxLayers = 6

    private static func leavesItsPrefix(_ path: [UInt8]) -> Bool {
        let plain = withoutOddForms(path)
        if plain.contains(UInt8(ascii: "\\")) { return true }
        return plain.split(separator: UInt8(ascii: "/")).contains { segment in
            isDotDot(segment.prefix { $0 != UInt8(ascii: ";") })
        }
    }

    /// Whether a segment is `..` without the blanks and control characters that URL parsers and file systems drop.
    private static func isDotDot(_ segment: ArraySlice<UInt8>) -> Bool {
        var dots = 0
        for byte in segment where byte > 0x20 && byte != 0x7F {
            guard byte == UInt8(ascii: "."), dots < 2 else { return false }
            dots += 1
        }
        return dots == 2
    }

    static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(Hex.value), let low = rest.dropFirst().first.flatMap(Hex.value) {
                rest = rest.dropFirst(2)
                decoded.append(high << 4 | low)
            } else if byte == UInt8(ascii: "%"), let scalar = scalar(ofEscape: rest.prefix(5)) {
                rest = rest.dropFirst(5)
                decoded += Array(String(scalar).utf8)
            } else {
                decoded.append(byte)
            }
        }
        return decoded
    }

    /// - Parameter escape: The text after a `%`: `u2215`, as some Microsoft servers read it.
    private static func scalar(ofEscape escape: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard escape.count == 5, let mark = escape.first, mark | 0x20 == UInt8(ascii: "u") else { return nil }
        let digits = escape.dropFirst().compactMap(Hex.value)
        guard digits.count == 4 else { return nil }
        return Unicode.Scalar(digits.reduce(UInt32(0)) { $0 << 4 | UInt32($1) })
    }

    /// Other byte sequences that are read as `.`, `/` or `\`: overlong UTF-8 (RFC 3629 §3), and look-alikes that Windows or Unicode normalisation
    /// maps to them.
    private static let oddForms: [(bytes: [UInt8], plain: [UInt8])] =
        [".", "/", "\\"].flatMap { (plain: Unicode.Scalar) in
            let value = UInt8(plain.value)
            let (high, low) = (value >> 6, 0x80 | value & 0x3F)
            // In two-byte sequences, some decoders ignore the highest bits of the second byte.
            let ofTwo = (UInt8(0)..<4).map { [0xC0 | high, $0 << 6 | value & 0x3F] }
            let overlong: [[UInt8]] = [
                [0xE0, 0x80 | high, low], [0xF0, 0x80, 0x80 | high, low], [0xF8, 0x80, 0x80, 0x80 | high, low],
                [0xFC, 0x80, 0x80, 0x80, 0x80 | high, low],
            ]
            return (ofTwo + overlong).map { ($0, [value]) }
        } + lookAlikes.flatMap { plain, scalars in scalars.map { (Array(String($0).utf8), Array(plain.utf8)) } }

    private static let lookAlikes: [(plain: String, scalars: [Unicode.Scalar])] = [
        (".", ["\u{FF0E}", "\u{2024}", "\u{FE52}"]),
        ("..", ["\u{2025}", "\u{FE30}"]),
        ("/", ["\u{FF0F}", "\u{2215}", "\u{2044}"]),
        ("\\", ["\u{FF3C}", "\u{2216}", "\u{FE68}"]),
        // Japanese and Korean code pages have these in place of the backslash; but they are also common in ordinary names, so they count as slashes
        // here.
        ("/", ["\u{A5}", "\u{20A9}"]),
    ]

    static func withoutOddForms(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return bytes }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let first = rest.first {
            if first >= 0x80, let form = oddForms.first(where: { rest.starts(with: $0.bytes) }) {
                plain += form.plain
                rest = rest.dropFirst(form.bytes.count)
            } else {
                plain.append(first)
                rest = rest.dropFirst()
            }
        }
        return plain
    }
}
