import MirrorNet

/// Reads the syntax that ``PathPattern`` describes.
struct PathPatternParser {
    typealias SyntaxError = PathPattern.SyntaxError

    /// Bytes of a pattern.
    private static let maxLength = 500

    private(set) var digitCount: Int?
    private let text: [UInt8]

    init(_ text: String) {
        self.text = Array(text.utf8)
    }

    mutating func parse() throws(SyntaxError) -> PatternNode {
        guard !text.isEmpty else { throw SyntaxError(reason: "is empty") }
        guard text.count <= Self.maxLength else { throw SyntaxError(reason: "is longer than \(Self.maxLength) bytes") }
        let isAnchored = text.first == UInt8(ascii: "/")
        var nodes: [PatternNode] = isAnchored ? [] : [.literal("/")]
        if !isAnchored, !text.starts(with: "**".utf8) { nodes.append(.segments) }
        return .sequence(nodes + [try sequence(text[...], inBraces: false)])
    }

    private mutating func sequence(_ bytes: ArraySlice<UInt8>, inBraces: Bool) throws(SyntaxError) -> PatternNode {
        var rest = bytes
        var nodes: [PatternNode] = []
        while let byte = rest.first {
            if rest.starts(with: "**/".utf8), !inBraces {
                guard rest.startIndex == text.startIndex || text[rest.startIndex - 1] == UInt8(ascii: "/") else {
                    throw SyntaxError(reason: "has **/ within a segment; write * there, or ** at the end")
                }
                rest = rest.dropFirst(3)
                nodes.append(.segments)
                continue
            }
            rest.removeFirst()
            switch byte {
            case UInt8(ascii: "*"):
                let isDeep = rest.first == UInt8(ascii: "*")
                if isDeep { rest.removeFirst() }
                if rest.first == UInt8(ascii: "*") { throw SyntaxError(reason: "has more than two * in a row") }
                nodes.append(.repetition(.set(isDeep ? .any : .withoutSlash), 0, nil))
            case UInt8(ascii: "{"):
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { throw SyntaxError(reason: "does not close a brace") }
                guard !inBraces else { throw SyntaxError(reason: "has braces within braces") }
                nodes.append(try braces(rest[..<end]))
                rest = rest[(end + 1)...]
            case UInt8(ascii: "}"):
                throw SyntaxError(reason: "closes a brace that is not open")
            case 0x21...0x7E where byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#") && byte != UInt8(ascii: "\\"):
                nodes.append(.set(ByteSet([byte])))
            default:
                throw SyntaxError(reason: "has a character that is not allowed in a path; write it percent-encoded")
            }
        }
        return .sequence(nodes)
    }

    private mutating func braces(_ inside: ArraySlice<UInt8>) throws(SyntaxError) -> PatternNode {
        if inside.contains(UInt8(ascii: "{")) { throw SyntaxError(reason: "has braces within braces") }
        if inside.contains(UInt8(ascii: ",")) {
            var choices: [PatternNode] = []
            for choice in inside.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                choices.append(try sequence(choice, inBraces: true))
            }
            return .choice(choices)
        }
        let parts = inside.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, name.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) else {
            throw SyntaxError(reason: "has braces without a name of letters a-z, such as {project}, or a choice, such as {whl,zip}")
        }
        guard parts.count == 2 else { return .repetition(.set(.withoutSlash), 1, nil) }
        switch String(decoding: parts[1], as: UTF8.self) {
        case "hex40": return try digits(40)
        case "hex64": return try digits(64)
        case "hex128": return try digits(128)
        case "digits": return .repetition(.set(.digits), 1, nil)
        case "version": return .version
        default: throw SyntaxError(reason: "has an unknown kind of text; the kinds are hex40, hex64, hex128, digits and version")
        }
    }

    private mutating func digits(_ count: Int) throws(SyntaxError) -> PatternNode {
        guard digitCount == nil else { throw SyntaxError(reason: "has hexadecimal digits in two places") }
        digitCount = count
        return .sequence([.repetition(.set(.hexDigits), count, count), .mark])
    }
}

extension ByteSet {
    fileprivate static var withoutSlash: ByteSet { ByteSet("/".utf8).inverted }
    fileprivate static var digits: ByteSet { ByteSet("0123456789".utf8) }
    fileprivate static var hexDigits: ByteSet { ByteSet("0123456789abcdef".utf8) }
}

extension PatternNode {
    fileprivate static func literal(_ text: String) -> PatternNode { .sequence(text.utf8.map { .set(ByteSet([$0])) }) }

    /// Any number of segments, each with its trailing slash.
    fileprivate static var segments: PatternNode {
        .repetition(.sequence([.repetition(.set(.any), 0, nil), .literal("/")]), 0, 1)
    }

    /// https://semver.org, with anything but a slash in what follows the numbers.
    fileprivate static var version: PatternNode {
        let number = PatternNode.repetition(.set(.digits), 1, nil)
        let rest = PatternNode.sequence([.set(ByteSet("-+".utf8)), .repetition(.set(.withoutSlash), 0, nil)])
        return .sequence([number, .literal("."), number, .literal("."), number, .repetition(rest, 0, 1)])
    }
}
