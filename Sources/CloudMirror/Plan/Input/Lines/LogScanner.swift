/// Reads a line from left to right. Nothing here traps, whatever the line contains.
struct LogScanner {
    let line: LogBytes
    private(set) var position = 0

    init(_ line: LogBytes) {
        self.line = line
    }

    var isAtEnd: Bool { position >= line.count }
    var next: UInt8? { position < line.count ? line[position] : nil }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func skipBlanks() {
        while next == 0x20 || next == 0x09 { position += 1 }
    }

    /// The bytes before `separator`, which is skipped; the rest of the line if there is no separator.
    mutating func field(_ separator: UInt8) -> LogBytes {
        let start = position
        while position < line.count, line[position] != separator { position += 1 }
        let field = LogBytes(rebasing: line[start..<position])
        if position < line.count { position += 1 }
        return field
    }

    /// A field between blanks. One that begins with `"` or `[` ends at the closing mark and may contain blanks.
    ///
    /// A closing mark is followed by a blank: logs of buckets do not escape the marks in what clients send.
    mutating func word() -> LogBytes {
        skipBlanks()
        let close: UInt8
        switch next {
        case UInt8(ascii: "\""): close = UInt8(ascii: "\"")
        case UInt8(ascii: "["): close = UInt8(ascii: "]")
        default: return field(0x20)
        }
        position += 1
        let start = position
        while position < line.count, !isEnd(close) {
            // A backslash escapes a quotation mark in a field.
            position += line[position] == UInt8(ascii: "\\") && position + 1 < line.count ? 2 : 1
        }
        let word = LogBytes(rebasing: line[start..<position])
        if position < line.count { position += 1 }
        return word
    }

    private func isEnd(_ close: UInt8) -> Bool {
        guard line[position] == close else { return false }
        return position + 1 == line.count || line[position + 1] == 0x20 || line[position + 1] == 0x09
    }

    /// The rest of the line.
    mutating func rest() -> LogBytes {
        let rest = LogBytes(rebasing: line[position...])
        position = line.count
        return rest
    }
}

extension UnsafeRawBufferPointer {
    /// A decimal number; `nil` for anything else, and for more than 18 digits.
    var decimal: Int64? {
        guard !isEmpty, count <= 18 else { return nil }
        var number: Int64 = 0
        for byte in self {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number &* 10 &+ Int64(byte &- 0x30)
        }
        return number
    }

    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }

    var text: String { String(decoding: self, as: UTF8.self) }

    /// The bytes after a byte order mark.
    var withoutByteOrderMark: LogBytes {
        starts(with: LogFormat.byteOrderMark) ? LogBytes(rebasing: self[LogFormat.byteOrderMark.count...]) : self
    }

    /// The part before `?` or `#`.
    var withoutQuery: LogBytes {
        let end = firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? count
        return LogBytes(rebasing: self[..<end])
    }
}
