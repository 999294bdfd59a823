/// Reads the syntax that ``URLPattern`` describes.
struct PatternParser {
    typealias SyntaxError = PatternProgram.SyntaxError

    private static let maxDepth = 16

    private var rest: ArraySlice<UInt8>
    private(set) var isAnchoredAtEnd = false

    init(_ text: some StringProtocol) {
        rest = Array(text.utf8)[...]
    }

    mutating func parse() throws(SyntaxError) -> PatternNode {
        let node = try sequence(depth: 0)
        if rest.first == UInt8(ascii: "|") {
            throw SyntaxError("has a | outside a group, which would leave the other side without its host; write (?:a|b)")
        }
        guard rest.isEmpty else { throw SyntaxError("closes a group that is not open") }
        return node
    }

    /// Up to `|`, `)` or the end.
    private mutating func sequence(depth: Int) throws(SyntaxError) -> PatternNode {
        guard depth <= Self.maxDepth else { throw SyntaxError("has groups too deep within each other") }
        var nodes: [PatternNode] = []
        while let byte = rest.first, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            rest.removeFirst()
            if byte == UInt8(ascii: "$") {
                guard rest.isEmpty else { throw SyntaxError("has a $ before its end; write \\$ for the character") }
                isAnchoredAtEnd = true
                break
            }
            nodes.append(try quantified(try atom(byte, depth: depth)))
        }
        return .sequence(nodes)
    }

    private mutating func atom(_ byte: UInt8, depth: Int) throws(SyntaxError) -> PatternNode {
        switch byte {
        case UInt8(ascii: "."): return .set(.any)
        case UInt8(ascii: "["): return .set(try characterClass())
        case UInt8(ascii: "\\"): return .set(try escape())
        case UInt8(ascii: "("): return try group(depth: depth)
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw SyntaxError("has a quantifier with nothing before it")
        case UInt8(ascii: "^"): throw SyntaxError("has a ^ after its beginning")
        case 0x80...: throw SyntaxError("has a character that is not allowed in a URL; write it percent-encoded")
        default: return .set(ByteSet([byte]))
        }
    }

    private mutating func group(depth: Int) throws(SyntaxError) -> PatternNode {
        if rest.first == UInt8(ascii: "?") {
            guard rest.dropFirst().first == UInt8(ascii: ":") else { throw SyntaxError("has a kind of group that is not supported") }
            rest = rest.dropFirst(2)
        }
        var choices = [try sequence(depth: depth + 1)]
        while rest.first == UInt8(ascii: "|") {
            rest.removeFirst()
            choices.append(try sequence(depth: depth + 1))
        }
        guard rest.popFirst() == UInt8(ascii: ")") else { throw SyntaxError("does not close a group") }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func quantified(_ node: PatternNode) throws(SyntaxError) -> PatternNode {
        let result: PatternNode
        switch rest.first {
        case UInt8(ascii: "*"): result = .repetition(node, 0, nil)
        case UInt8(ascii: "+"): result = .repetition(node, 1, nil)
        case UInt8(ascii: "?"): result = .repetition(node, 0, 1)
        case UInt8(ascii: "{"): result = try counted(node)
        default: return node
        }
        rest.removeFirst()
        if rest.first == UInt8(ascii: "?") { rest.removeFirst() }
        if let byte = rest.first, "*+{".utf8.contains(byte) { throw SyntaxError("has a quantifier after a quantifier") }
        return result
    }

    /// Leaves the closing brace.
    private mutating func counted(_ node: PatternNode) throws(SyntaxError) -> PatternNode {
        rest.removeFirst()
        let inside = rest.prefix { $0 != UInt8(ascii: "}") }
        rest = rest.dropFirst(inside.count)
        let numbers = inside.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { digits in
            digits.count <= 3 && digits.allSatisfy { Self.digits.contains($0) } ? Int(String(decoding: digits, as: UTF8.self)) : nil
        }
        let isOpenEnded = numbers.count == 2 && inside.last == UInt8(ascii: ",")
        guard !rest.isEmpty, let minimum = numbers.first ?? nil, numbers.count <= 2, isOpenEnded || numbers.last.map({ $0 != nil }) == true
        else {
            throw SyntaxError("has braces that hold no counts from 0 to 999")
        }
        let maximum = isOpenEnded ? nil : numbers.last ?? nil
        guard maximum.map({ $0 >= minimum }) ?? true else { throw SyntaxError("has counts in the wrong order") }
        return .repetition(node, minimum, maximum)
    }

    private mutating func characterClass() throws(SyntaxError) -> ByteSet {
        var set = ByteSet()
        let isInverted = rest.first == UInt8(ascii: "^")
        if isInverted { rest.removeFirst() }
        var isFirst = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]") {
                guard !isFirst else { throw SyntaxError("has an empty class of characters") }
                return isInverted ? set.inverted : set
            }
            isFirst = false
            guard byte < 0x80 else { throw SyntaxError("has a character that is not allowed in a URL; write it percent-encoded") }
            if byte == UInt8(ascii: "\\") {
                set.formUnion(try escape())
            } else if rest.first == UInt8(ascii: "-"), let last = rest.dropFirst().first, last != UInt8(ascii: "]") {
                guard last >= byte, last < 0x80, last != UInt8(ascii: "\\") else {
                    throw SyntaxError("has an invalid range of characters")
                }
                rest = rest.dropFirst(2)
                set.formUnion(ByteSet(byte...last))
            } else {
                set.insert(byte)
            }
        }
        throw SyntaxError("does not close a class of characters")
    }

    private mutating func escape() throws(SyntaxError) -> ByteSet {
        guard let byte = rest.popFirst() else { throw SyntaxError("ends in a backslash") }
        switch byte {
        case UInt8(ascii: "d"): return Self.digits
        case UInt8(ascii: "D"): return Self.digits.inverted
        case UInt8(ascii: "w"): return Self.wordCharacters
        case UInt8(ascii: "W"): return Self.wordCharacters.inverted
        case UInt8(ascii: "s"): return Self.spaces
        case UInt8(ascii: "S"): return Self.spaces.inverted
        case 0x80...: throw SyntaxError("has a character that is not allowed in a URL; write it percent-encoded")
        default:
            guard byte == UInt8(ascii: "_") || !Self.wordCharacters.contains(byte) else {
                throw SyntaxError("has an escape that is not supported: \\\(String(UnicodeScalar(byte)))")
            }
            return ByteSet([byte])
        }
    }

    private static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    private static let spaces = ByteSet([0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D])
    private static let wordCharacters = ByteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".utf8)
}
