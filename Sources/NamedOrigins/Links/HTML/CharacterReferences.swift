import MirrorCore

/// Character references in the attributes of HTML (HTML §13.2.5.72), as far as they occur in URLs.
enum CharacterReferences {
    private static let names: [(StaticString, UInt8)] = [
        ("&amp;", UInt8(ascii: "&")), ("&quot;", UInt8(ascii: "\"")), ("&apos;", UInt8(ascii: "'")), ("&lt;", UInt8(ascii: "<")),
        ("&gt;", UInt8(ascii: ">")), ("&sol;", UInt8(ascii: "/")), ("&colon;", UInt8(ascii: ":")), ("&num;", UInt8(ascii: "#")),
        ("&equals;", UInt8(ascii: "=")), ("&plus;", UInt8(ascii: "+")), ("&period;", UInt8(ascii: ".")), ("&quest;", UInt8(ascii: "?")),
    ]

    /// Resolves numbers and the names of characters that are in URLs. Other names stay as they are.
    ///
    /// - Returns: `nil` for a value without any `&`, which needs no decoding.
    static func resolve(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
        let ampersand = UInt8(ascii: "&")
        var next = ByteSearch.first(ampersand, in: value, from: 0)
        guard next < value.count else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(value.count)
        var position = 0
        while next < value.count {
            out.append(contentsOf: value.slice(position..<next))
            if value.begins(with: "&#", at: next), let (scalar, end) = number(value, at: next + 2) {
                out.append(contentsOf: Character(scalar).utf8)
                position = end
            } else if let (name, byte) = names.first(where: { value.begins(with: $0.0, at: next) }) {
                out.append(byte)
                position = next + name.utf8CodeUnitCount
            } else {
                out.append(ampersand)
                position = next + 1
            }
            next = ByteSearch.first(ampersand, in: value, from: position)
        }
        out.append(contentsOf: value.slice(position..<value.count))
        return out
    }

    private static func number(_ value: UnsafeRawBufferPointer, at start: Int) -> (Unicode.Scalar, Int)? {
        var position = start
        var radix: UInt32 = 10
        if position < value.count, value[position] | 0x20 == UInt8(ascii: "x") {
            radix = 16
            position += 1
        }
        var code: UInt32 = 0
        let first = position
        while position < value.count, let digit = Hex.value(of: value[position]), digit < radix {
            // Too large for a character from here on, whatever follows.
            code = min(code * radix + UInt32(digit), 0x11_0000)
            position += 1
        }
        guard position > first, code != 0, let scalar = Unicode.Scalar(code) else { return nil }
        if position < value.count, value[position] == UInt8(ascii: ";") { position += 1 }
        return (scalar, position)
    }

    /// Appends text to an attribute's value.
    ///
    /// - Parameter quote: The quote around the value; `nil` for none: then spaces and other characters would end it.
    static func append(_ text: [UInt8], to out: inout [UInt8], quote: UInt8?) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "&"): out.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "\""): out.append(contentsOf: "&#34;".utf8)
            case UInt8(ascii: "'"): out.append(contentsOf: "&#39;".utf8)
            case UInt8(ascii: "<"): out.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): out.append(contentsOf: "&gt;".utf8)
            case 0x00...0x20 where quote == nil: out.append(contentsOf: "&#\(byte);".utf8)
            default: out.append(byte)
            }
        }
    }
}
