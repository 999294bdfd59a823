import NIOCore

/// Reads replies (RESP3, and the nulls of RESP2) from bytes that arrive in pieces of any size.
///
/// Complete parts at the front are consumed at once and kept as values, so that a large reply is not read again with each piece. A
/// blob is a slice of the received bytes. Streamed strings and aggregates, which no current server sends, are malformed.
///
/// - SeeAlso: The RESP3 specification.
struct RESPParser {
    /// The maximum size of a reply.
    struct Limits {
        /// Nested aggregates.
        var depth = 8
        /// Elements of one aggregate; keys and values of a map count separately.
        var elements = 1 << 20
        /// Elements of a whole reply.
        var replyElements = 4 << 20
        /// Bytes of one string.
        var blob = 64 << 20
        /// Bytes of a line without its end.
        var line = 64 << 10
        /// Bytes of a whole reply.
        var reply = 128 << 20
    }

    enum Item: Hashable {
        case reply(RedisValue)
        /// Sent without a request.
        case push([RedisValue])
    }

    let limits: Limits
    private var bytes = ByteBuffer()
    private var stack: [Aggregate] = []
    /// From the reader index: how many bytes have been searched for the end of a line.
    private var searched = 0
    private var replyBytes = 0
    private var replyElements = 0
    private var failure: RedisError?

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    mutating func append(_ chunk: ByteBuffer) {
        guard failure == nil else { return }
        if bytes.readableBytes == 0 {
            bytes = chunk
            return
        }
        if bytes.readerIndex >= bytes.readableBytes {
            // Drop what was read already.
            var rest = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + chunk.readableBytes)
            rest.writeImmutableBuffer(bytes)
            bytes = rest
        }
        bytes.writeImmutableBuffer(chunk)
    }

    /// The next complete reply; `nil` if more bytes are needed.
    ///
    /// - Throws: ``RedisError/Code/malformed``, then and in each later call.
    mutating func next() throws(RedisError) -> Item? {
        if let failure { throw failure }
        do throws(RedisError) {
            while true {
                switch try token() {
                case .incomplete: return nil
                case .opened: continue
                case .value(let value):
                    if let item = complete(value) { return item }
                }
            }
        } catch {
            failure = error
            bytes.clear()
            stack = []
            throw error
        }
    }

    // MARK: Tokens

    private enum Token {
        case incomplete
        case value(RedisValue)
        /// A non-empty aggregate has begun.
        case opened
    }

    private mutating func token() throws(RedisError) -> Token {
        guard let line = try line() else { return .incomplete }
        switch line.type {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            return try blob(line)
        case UInt8(ascii: "*"), UInt8(ascii: "~"):
            return try open(.array, line)
        case UInt8(ascii: "%"):
            return try open(.map, line)
        case UInt8(ascii: ">"):
            guard stack.isEmpty else { throw malformed("a push within a reply") }
            return try open(.push, line)
        case UInt8(ascii: "|"):
            return try open(.attribute, line)
        default:
            let value = try scalar(line)
            try consume(line.length)
            return .value(value)
        }
    }

    /// A value on a single line.
    private func scalar(_ line: Line) throws(RedisError) -> RedisValue {
        if line.type == UInt8(ascii: ":") { return .integer(try integer(line)) }
        let text = bytes.getString(at: bytes.readerIndex + 1, length: line.content) ?? ""
        switch line.type {
        case UInt8(ascii: "+"):
            return .simple(text)
        case UInt8(ascii: "-"):
            return .error(Self.error(text))
        case UInt8(ascii: "_"):
            guard line.content == 0 else { throw malformed("a null with content") }
            return .null
        case UInt8(ascii: "#"):
            guard text == "t" || text == "f" else { throw malformed("a boolean that is neither true nor false") }
            return .boolean(text == "t")
        case UInt8(ascii: ","):
            guard let value = Double(text) else { throw malformed("a double that is not a number") }
            return .double(value)
        case UInt8(ascii: "("):
            let digits =
                text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+") ? text.utf8.dropFirst() : text.utf8[...]
            guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
                throw malformed("a big number that is not a number")
            }
            return .simple(text)
        default:
            throw malformed("an unknown type of reply")
        }
    }

    private static func isType(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "#"),
            UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "!"),
            UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "("):
            true
        default: false
        }
    }

    private struct Line {
        var type: UInt8
        /// Bytes between the type and the end of the line.
        var content: Int
        /// Bytes including the type and the end of the line.
        var length: Int { content + 3 }
    }

    /// The line at the front, which is not consumed; `nil` if it is incomplete.
    private mutating func line() throws(RedisError) -> Line? {
        let from = max(searched, 1)
        let found = bytes.withUnsafeReadableBytes { bytes -> (type: UInt8, end: Int?, isBroken: Bool)? in
            guard let type = bytes.first else { return nil }
            // An unknown type is an error even before the line is complete.
            guard Self.isType(type) else { return (type, nil, true) }
            var index = from
            while index < bytes.count {
                if bytes[index] == UInt8(ascii: "\r") {
                    guard index + 1 < bytes.count else { return (type, nil, false) }
                    return (type, index, bytes[index + 1] != UInt8(ascii: "\n"))
                }
                if index > limits.line { break }
                index += 1
            }
            return (type, nil, index > limits.line)
        }
        guard let found else { return nil }
        if found.isBroken { throw malformed("a line of an unknown type, or one that does not end where it should") }
        guard let end = found.end else {
            searched = max(1, bytes.readableBytes - 1)
            return nil
        }
        searched = 0
        return Line(type: found.type, content: end - 1)
    }

    private mutating func blob(_ line: Line) throws(RedisError) -> Token {
        let isString = line.type == UInt8(ascii: "$")
        let length = try length(line, most: limits.blob, mayBeNull: isString)
        guard let length else {
            try consume(line.length)
            return .value(.null)
        }
        let whole = line.length + length + 2
        guard replyBytes + whole <= limits.reply else { throw malformed("a reply of more than \(limits.reply) bytes") }
        guard bytes.readableBytes >= whole else {
            // The position of the line's end is not kept: it is found again at once.
            bytes.reserveCapacity(minimumWritableBytes: min(whole - bytes.readableBytes, 1 << 20))
            return .incomplete
        }
        try consume(line.length)
        guard var content = bytes.readSlice(length: length), bytes.readInteger(as: UInt16.self) == 0x0D0A else {
            throw malformed("a string that does not end where it should")
        }
        replyBytes += length + 2
        switch line.type {
        case UInt8(ascii: "$"):
            return .value(.blob(content))
        case UInt8(ascii: "!"):
            return .value(.error(Self.error(String(buffer: content))))
        default:
            // Verbatim: three bytes state the kind of text.
            guard content.readableBytes >= 4, content.getInteger(at: content.readerIndex + 3, as: UInt8.self) == UInt8(ascii: ":") else {
                throw malformed("a verbatim string without its kind")
            }
            content.moveReaderIndex(forwardBy: 4)
            return .value(.blob(content))
        }
    }

    private mutating func open(_ kind: Aggregate.Kind, _ line: Line) throws(RedisError) -> Token {
        let isArray = line.type == UInt8(ascii: "*")
        let isPaired = kind == .map || kind == .attribute
        let count = try length(line, most: isPaired ? limits.elements / 2 : limits.elements, mayBeNull: isArray)
        guard let count else {
            try consume(line.length)
            return .value(.null)
        }
        let elements = isPaired ? count * 2 : count
        replyElements += elements
        guard replyElements <= limits.replyElements else { throw malformed("a reply of more than \(limits.replyElements) elements") }
        try consume(line.length)
        if elements == 0 {
            switch kind {
            case .array: return .value(.array([]))
            case .map: return .value(.map([]))
            case .attribute: return .opened
            case .push: throw malformed("a push without content")
            }
        }
        guard stack.count < limits.depth else { throw malformed("more than \(limits.depth) aggregates within each other") }
        switch kind {
        case .array: if let values = strings(elements) { return .value(.array(values)) }
        case .map: if let values = strings(elements) { return .value(.map(values)) }
        case .push, .attribute: break
        }
        stack.append(Aggregate(kind: kind, remaining: elements))
        return .opened
    }

    /// The elements of an aggregate of strings that has arrived whole, as most with many elements do, read in one go; `nil` for any other, which is
    /// read element by element.
    private mutating func strings(_ count: Int) -> [RedisValue]? {
        // Each takes at least six bytes: nothing is reserved for what has not arrived.
        guard count <= bytes.readableBytes / 6 else { return nil }
        let (chunk, start, longest) = (bytes, bytes.readerIndex, limits.blob)
        var values: [RedisValue] = []
        values.reserveCapacity(count)
        let end = chunk.withUnsafeReadableBytes { bytes -> Int? in
            var position = 0
            for _ in 0..<count {
                guard let content = Self.string(in: bytes, at: position), content.count <= longest,
                    let slice = chunk.getSlice(at: start + content.lowerBound, length: content.count)
                else { return nil }
                values.append(.blob(slice))
                position = content.upperBound + 2
            }
            return position
        }
        guard let end, replyBytes + end <= limits.reply else { return nil }
        bytes.moveReaderIndex(forwardBy: end)
        replyBytes += end
        return values
    }

    /// Where the content of a string is that begins at a position: of `hello` in `$5\r\nhello\r\n`. `nil` if another value begins there, or not all of
    /// it is here.
    private static func string(in bytes: UnsafeRawBufferPointer, at start: Int) -> Range<Int>? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "$") else { return nil }
        var position = start + 1
        var length = 0
        // Nine digits: more than any limit, and no overflow.
        while position < min(bytes.count, start + 10) {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            length = length * 10 + Int(digit)
            position += 1
        }
        let content = position + 2..<position + 2 + length
        guard position > start + 1, content.upperBound + 2 <= bytes.count, isLineEnd(bytes, position), isLineEnd(bytes, content.upperBound)
        else { return nil }
        return content
    }

    private static func isLineEnd(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> Bool {
        bytes[position] == UInt8(ascii: "\r") && bytes[position + 1] == UInt8(ascii: "\n")
    }

    // MARK: Aggregates in progress

    private struct Aggregate {
        enum Kind { case array, map, push, attribute }
        var kind: Kind
        var remaining: Int
        var values: [RedisValue]

        init(kind: Kind, remaining: Int) {
            self.kind = kind
            self.remaining = remaining
            values = []
            // The announced number of elements need not arrive.
            values.reserveCapacity(min(remaining, 64))
        }
    }

    /// Adds a value to the aggregate in progress.
    ///
    /// - Returns: The item that is complete now, if no aggregate is in progress any more.
    private mutating func complete(_ value: RedisValue) -> Item? {
        var value = value
        while !stack.isEmpty {
            let top = stack.count - 1
            stack[top].values.append(value)
            stack[top].remaining -= 1
            guard stack[top].remaining == 0 else { return nil }
            let whole = stack.removeLast()
            switch whole.kind {
            case .array: value = .array(whole.values)
            case .map: value = .map(whole.values)
            case .attribute: return nil
            case .push:
                startOver()
                return .push(whole.values)
            }
        }
        startOver()
        return .reply(value)
    }

    private mutating func startOver() {
        replyBytes = 0
        replyElements = 0
    }

    // MARK: Parts of a line

    private mutating func consume(_ count: Int) throws(RedisError) {
        bytes.moveReaderIndex(forwardBy: count)
        replyBytes += count
        guard replyBytes <= limits.reply else { throw malformed("a reply of more than \(limits.reply) bytes") }
    }

    private func length(_ line: Line, most: Int, mayBeNull: Bool) throws(RedisError) -> Int? {
        let value = try integer(line)
        if value == -1, mayBeNull { return nil }
        guard value >= 0, value <= Int64(most) else { throw malformed("a length of \(value), where up to \(most) may be") }
        return Int(value)
    }

    private func integer(_ line: Line) throws(RedisError) -> Int64 {
        let value = bytes.withUnsafeReadableBytes { bytes -> Int64? in
            var index = 1
            let end = 1 + line.content
            guard line.content > 0, line.content <= 20 else { return nil }
            let isNegative = bytes[index] == UInt8(ascii: "-")
            if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
            guard index < end else { return nil }
            var value: Int64 = 0
            while index < end {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                let (ten, overflows) = value.multipliedReportingOverflow(by: 10)
                // Towards the sign, so that the smallest number can be read too.
                let (next, overflowsToo) =
                    isNegative ? ten.subtractingReportingOverflow(Int64(digit)) : ten.addingReportingOverflow(Int64(digit))
                guard !overflows, !overflowsToo else { return nil }
                value = next
                index += 1
            }
            return value
        }
        guard let value else { throw malformed("an integer that is not a number") }
        return value
    }

    private static func error(_ text: String) -> RedisError {
        RedisError(.server(String(text.prefix { $0 != " " })), text)
    }

    private func malformed(_ what: String) -> RedisError {
        RedisError(.malformed, "what arrived is not a Redis reply: \(what)")
    }
}
