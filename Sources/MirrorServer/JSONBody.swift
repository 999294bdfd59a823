import MirrorCore

/// Reads JSON that a client sent, strictly (RFC 8259).
///
/// Foundation's decoder accepts encodings other than UTF-8, and of a name that occurs twice it picks one. Something that inspects a body before us,
/// such as a proxy that lets some calls through, may read it differently. So anything ambiguous is refused.
enum JSONBody {
    /// Why a body is refused, in words for the client.
    struct Flaw: Error {
        let reason: String
    }

    static func decode<Body: Decodable>(_ bytes: [UInt8]) throws(Flaw) -> Body {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Flaw(reason: "it is not UTF-8") }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { throw Flaw(reason: "it begins with a byte order mark") }
        var scanner = JSONScanner(bytes: bytes)
        try scanner.scan()
        do {
            return try ForeignJSON.decode(from: bytes)
        } catch {
            throw Flaw(reason: "a member is missing or of another type")
        }
    }
}

/// Scans a JSON text for errors.
private struct JSONScanner {
    private static let maxDepth = 32

    let bytes: [UInt8]
    var position = 0

    mutating func scan() throws(JSONBody.Flaw) {
        try value(depth: 1)
        skipBlanks()
        guard position == bytes.count else { throw flaw("there is something after its end") }
    }

    private mutating func value(depth: Int) throws(JSONBody.Flaw) {
        guard depth <= Self.maxDepth else { throw flaw("it is nested too deeply") }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try list(end: "]") { scanner throws(JSONBody.Flaw) in try scanner.value(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONBody.Flaw) {
        var names: Set<String> = []
        try list(end: "}") { scanner throws(JSONBody.Flaw) in
            scanner.skipBlanks()
            guard names.insert(try scanner.name()).inserted else { throw scanner.flaw("a name occurs twice") }
            scanner.skipBlanks()
            guard scanner.take(":") else { throw scanner.flaw("a colon is missing") }
            try scanner.value(depth: depth + 1)
        }
    }

    /// The elements between two brackets, separated by commas; the opening bracket is the next byte.
    private mutating func list(
        end: Unicode.Scalar, _ element: (inout JSONScanner) throws(JSONBody.Flaw) -> Void
    ) throws(JSONBody.Flaw) {
        position += 1
        skipBlanks()
        if take(end) { return }
        while true {
            try element(&self)
            skipBlanks()
            if take(end) { return }
            guard take(",") else { throw flaw("a comma or \(end) is missing") }
        }
    }

    /// A member's name, with escapes resolved.
    private mutating func name() throws(JSONBody.Flaw) -> String {
        let token = try string()
        guard token.contains(UInt8(ascii: "\\")) else { return String(decoding: token, as: UTF8.self) }
        guard let name = try? ForeignJSON.decode(String.self, from: Array(token)) else { throw flaw("a name cannot be read") }
        return "\"\(name)\""
    }

    /// - Returns: The string with its quotes.
    private mutating func string() throws(JSONBody.Flaw) -> ArraySlice<UInt8> {
        let start = position
        guard take("\"") else { throw flaw("a string is missing") }
        while let byte = next, byte >= 0x20 {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return bytes[start..<position]
            case UInt8(ascii: "\\"): try escape()
            default: break
            }
        }
        throw flaw("a string does not end")
    }

    private mutating func escape() throws(JSONBody.Flaw) {
        guard let byte = next else { throw flaw("a string does not end") }
        position += 1
        if byte == UInt8(ascii: "u") {
            let digits = bytes[position...].prefix(4)
            guard digits.count == 4, digits.allSatisfy({ Hex.value(of: $0) != nil }) else { throw flaw("an escape is not valid") }
            position += 4
        } else if !"\"\\/bfnrt".utf8.contains(byte) {
            throw flaw("an escape is not valid")
        }
    }

    private mutating func number() throws(JSONBody.Flaw) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try digits()
        }
    }

    private mutating func digits() throws(JSONBody.Flaw) {
        let start = position
        while let byte = next, byte.isASCIIDigit { position += 1 }
        guard position > start else { throw flaw(next == nil ? "it ends early" : "a value is missing") }
    }

    private mutating func word(_ word: String) throws(JSONBody.Flaw) {
        guard bytes[position...].starts(with: word.utf8) else { throw flaw("a value is missing") }
        position += word.utf8.count
    }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func flaw(_ reason: String) -> JSONBody.Flaw { JSONBody.Flaw(reason: "\(reason), at byte \(position)") }
}
