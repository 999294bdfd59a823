import MirrorCore

/// The contents of JSON strings (RFC 8259 §7).
enum JSONStrings {
    /// - Parameter content: What is between the quotes.
    /// - Returns: `nil` for a broken escape.
    static func decode(_ content: [UInt8]) -> [UInt8]? {
        guard content.contains(UInt8(ascii: "\\")) else { return content }
        var out: [UInt8] = []
        out.reserveCapacity(content.count)
        var position = 0
        while position < content.count {
            let byte = content[position]
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                continue
            }
            guard position < content.count else { return nil }
            let escape = content[position]
            position += 1
            if escape == UInt8(ascii: "u") {
                guard let scalar = scalar(content, &position) else { return nil }
                out.append(contentsOf: Character(scalar).utf8)
            } else {
                guard let meant = escapes.first(where: { $0.escape == escape })?.byte else { return nil }
                out.append(meant)
            }
        }
        return out
    }

    private static let escapes: [(escape: UInt8, byte: UInt8)] = [
        (UInt8(ascii: "/"), UInt8(ascii: "/")), (UInt8(ascii: "\\"), UInt8(ascii: "\\")), (UInt8(ascii: "\""), UInt8(ascii: "\"")),
        (UInt8(ascii: "b"), 0x08), (UInt8(ascii: "f"), 0x0C), (UInt8(ascii: "n"), 0x0A), (UInt8(ascii: "r"), 0x0D),
        (UInt8(ascii: "t"), 0x09),
    ]

    private static func scalar(_ content: [UInt8], _ position: inout Int) -> Unicode.Scalar? {
        guard let first = unit(content, &position) else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
        guard position + 1 < content.count, content[position] == UInt8(ascii: "\\"), content[position + 1] == UInt8(ascii: "u") else {
            return nil
        }
        position += 2
        guard let second = unit(content, &position), (0xDC00..<0xE000).contains(second) else { return nil }
        return Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private static func unit(_ content: [UInt8], _ position: inout Int) -> UInt32? {
        guard position + 4 <= content.count else { return nil }
        var code: UInt32 = 0
        for byte in content[position..<(position + 4)] {
            guard let digit = Hex.value(of: byte) else { return nil }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }

    static func append(_ text: [UInt8], to out: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0x00..<0x20: out.append(contentsOf: "\\u00\(Hex.encode([byte]))".utf8)
            default: out.append(byte)
            }
        }
    }
}
