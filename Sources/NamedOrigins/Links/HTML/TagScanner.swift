/// Finds the end of an HTML tag, and the attributes that matter, in bytes that arrive in any pieces (HTML §13.2.5).
struct TagScanner {
    private enum State {
        case name
        case beforeAttribute
        case attributeName
        case afterAttributeName
        case beforeValue
        case doubleQuoted
        case singleQuoted
        case unquoted
    }

    /// Places in the tag, in bytes from its `<`.
    struct Attribute {
        let name: Int
        let value: Range<Int>
        /// `nil` for a value without quotes.
        let quote: UInt8?
    }

    /// The hash of the tag's name in lower case.
    private(set) var name = ByteHash()
    /// The first `href` with a value.
    private(set) var href: Attribute?

    /// Whether the tag is kept, so that positions in it are useful.
    var isKept: Bool

    private var state = State.name
    private var attributeName = ByteHash()
    private var attributeStart = 0
    private var valueStart = 0

    init(isKept: Bool) {
        self.isKept = isKept
    }

    /// Continues after `<` or `</`.
    ///
    /// - Parameters:
    ///   - start: Where the next byte of the tag is.
    ///   - offset: The place of the first of these bytes in the tag.
    /// - Returns: The position after the `>`; `nil` if the tag continues.
    mutating func scan(_ bytes: UnsafeRawBufferPointer, from start: Int, offset: Int) -> Int? {
        var position = start
        // A copy is faster than what may change with each call.
        var state = state
        defer { self.state = state }
        while position < bytes.count {
            let byte = bytes[position]
            switch state {
            case .name:
                switch byte {
                case UInt8(ascii: ">"): return position + 1
                case UInt8(ascii: "/"), Self.blank: state = .beforeAttribute
                default: name.add(byte)
                }
            case .beforeAttribute:
                switch byte {
                case UInt8(ascii: ">"): return position + 1
                case UInt8(ascii: "/"), Self.blank: break
                default:
                    state = .attributeName
                    attributeStart = offset + position
                    attributeName = ByteHash()
                    attributeName.add(byte)
                }
            case .attributeName:
                switch byte {
                case UInt8(ascii: ">"): return position + 1
                case UInt8(ascii: "/"): state = .beforeAttribute
                case Self.blank: state = .afterAttributeName
                case UInt8(ascii: "="): state = .beforeValue
                default: attributeName.add(byte)
                }
            case .afterAttributeName:
                switch byte {
                case UInt8(ascii: "="): state = .beforeValue
                case Self.blank: break
                default:
                    state = .beforeAttribute
                    continue
                }
            case .beforeValue:
                valueStart = offset + position + 1
                switch byte {
                case UInt8(ascii: "\""): state = .doubleQuoted
                case UInt8(ascii: "'"): state = .singleQuoted
                case UInt8(ascii: ">"): return position + 1
                case Self.blank: break
                default:
                    state = .unquoted
                    valueStart -= 1
                }
            case .doubleQuoted, .singleQuoted:
                let quote = state == .doubleQuoted ? UInt8(ascii: "\"") : UInt8(ascii: "'")
                position = ByteSearch.first(quote, in: bytes, from: position)
                guard position < bytes.count else { return nil }
                note(offset + position, quote)
                state = .beforeAttribute
            case .unquoted:
                switch byte {
                case UInt8(ascii: ">"):
                    note(offset + position, nil)
                    return position + 1
                case Self.blank:
                    note(offset + position, nil)
                    state = .beforeAttribute
                default: break
                }
            }
            position += 1
        }
        return nil
    }

    private mutating func note(_ end: Int, _ quote: UInt8?) {
        guard isKept, href == nil, attributeName == Self.hrefName else { return }
        href = Attribute(name: attributeStart, value: valueStart..<end, quote: quote)
    }

    private static let hrefName = ByteHash("href")
    /// Tab, line feed, form feed, carriage return, space.
    private static let blank = BlankPattern()

    private struct BlankPattern {
        static func ~= (_: BlankPattern, byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0C || byte == 0x0D
        }
    }
}

/// Distinguishes names that arrive byte by byte, ignoring case (FNV-1a). Two names of the same length could have the same hash, but only the author
/// of a page could cause that, who could just as well write another link.
struct ByteHash: Hashable {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var count = 0

    init() {}

    init(_ name: String) {
        for byte in name.utf8 { add(byte) }
    }

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
        state = (state ^ UInt64(lower)) &* 0x0000_0100_0000_01B3
        count &+= 1
    }
}
