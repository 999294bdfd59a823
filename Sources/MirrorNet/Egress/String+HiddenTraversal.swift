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
        // Of the segment so far. Blanks and control characters, which URL parsers and file systems drop, are not part of it.
        var (dots, hasOthers, isParameter) = (0, false, false)
        for byte in withoutOddForms(path) {
            switch byte {
            case UInt8(ascii: "\\"): return true
            case UInt8(ascii: "/"):
                if dots == 2, !hasOthers { return true }
                (dots, hasOthers, isParameter) = (0, false, false)
            case UInt8(ascii: ";"): isParameter = true
            case ...0x20, 0x7F: break
            case _ where isParameter: break
            case UInt8(ascii: "."): dots += 1
            default: hasOthers = true
            }
        }
        return dots == 2 && !hasOthers
    }

    static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            if position + 2 <= bytes.count, let high = Hex.value(of: bytes[position]), let low = Hex.value(of: bytes[position + 1]) {
                position += 2
                decoded.append(high << 4 | low)
            } else if let scalar = scalar(ofEscape: bytes[position...].prefix(5)) {
                position += 5
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

    /// A byte sequence that is read as `.`, `..`, `/` or `\`.
    private struct OddForm {
        /// See ``packed(_:)``.
        let packed: UInt64
        let length: Int
        let plain: UInt8
        let isDouble: Bool

        init(_ bytes: [UInt8], _ plain: Unicode.Scalar, isDouble: Bool = false) {
            packed = String.packed(bytes[...])
            length = bytes.count
            self.plain = UInt8(plain.value)
            self.isDouble = isDouble
        }
    }

    /// Up to eight bytes in one number, so that they are compared at once.
    private static func packed(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// The odd forms of each first byte, because a path may consist of nothing else: overlong UTF-8 (RFC 3629 §3), and look-alikes that Windows or
    /// Unicode normalisation maps to them. Those of one first byte have the same length.
    private static let oddForms: [[OddForm]] = {
        let overlong = ([".", "/", "\\"] as [Unicode.Scalar]).flatMap { plain -> [OddForm] in
            let value = UInt8(plain.value)
            let (high, low) = (value >> 6, 0x80 | value & 0x3F)
            // In two-byte sequences, some decoders ignore the highest bits of the second byte.
            let ofTwo = (UInt8(0)..<4).map { [0xC0 | high, $0 << 6 | value & 0x3F] }
            let longer: [[UInt8]] = [
                [0xE0, 0x80 | high, low], [0xF0, 0x80, 0x80 | high, low], [0xF8, 0x80, 0x80, 0x80 | high, low],
                [0xFC, 0x80, 0x80, 0x80, 0x80 | high, low],
            ]
            return (ofTwo + longer).map { OddForm($0, plain) }
        }
        let alike = lookAlikes.flatMap { plain, isDouble, scalars in
            scalars.map { OddForm(Array(String($0).utf8), plain, isDouble: isDouble) }
        }
        var forms = [[OddForm]](repeating: [], count: 256)
        for form in overlong + alike { forms[Int(form.packed >> (8 * UInt64(form.length - 1)))].append(form) }
        return forms
    }()

    private static let lookAlikes: [(plain: Unicode.Scalar, isDouble: Bool, scalars: [Unicode.Scalar])] = [
        (".", false, ["\u{FF0E}", "\u{2024}", "\u{FE52}"]),
        (".", true, ["\u{2025}", "\u{FE30}"]),
        ("/", false, ["\u{FF0F}", "\u{2215}", "\u{2044}"]),
        ("\\", false, ["\u{FF3C}", "\u{2216}", "\u{FE68}"]),
        // Japanese and Korean code pages have these in place of the backslash; but they are also common in ordinary names, so they count as slashes
        // here.
        ("/", false, ["\u{A5}", "\u{20A9}"]),
    ]

    static func withoutOddForms(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0x80 }) else { return bytes }
        let oddForms = oddForms
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let first = bytes[position]
            let forms = first < 0xC0 ? [] : oddForms[Int(first)]
            let packed = packed(bytes[position...].prefix(forms.first?.length ?? 0))
            guard let form = forms.first(where: { $0.packed == packed }) else {
                plain.append(first)
                position += 1
                continue
            }
            plain.append(form.plain)
            if form.isDouble { plain.append(form.plain) }
            position += form.length
        }
        return plain
    }
}
