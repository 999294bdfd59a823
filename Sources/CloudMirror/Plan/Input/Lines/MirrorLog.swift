/// The mirror's own log of redirects: one JSON object per line, with `time`, `artifact`, `pool`, `bytes` and `outcome`.
struct MirrorLog: LineFormat {
    private var times = LogTime()
    private let scratch = LogScratch(capacity: LogLines.maxLength)

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        scratch.clear()
        var scanner = LogScanner(line)
        scanner.skipBlanks()
        guard scanner.skip(UInt8(ascii: "{")) else { return .unreadable }
        var time: Int64?
        var name: LogBytes?
        var pool: LogBytes?
        var bytes: Int64?
        var isUse = true
        repeat {
            scanner.skipBlanks()
            if scanner.next == UInt8(ascii: "}") { break }
            guard let key = string(&scanner) else { return .unreadable }
            scanner.skipBlanks()
            guard scanner.skip(UInt8(ascii: ":")) else { return .unreadable }
            scanner.skipBlanks()
            guard let value = value(&scanner) else { return .unreadable }
            if key.equals("time") {
                time = times.rfc3339OrSeconds(value)
            } else if key.equals("artifact") {
                name = value
            } else if key.equals("pool") {
                pool = value
            } else if key.equals("bytes") {
                bytes = value.decimal
            } else if key.equals("outcome") {
                // Artifacts that the origin does not have, and the log's own lines.
                isUse = !value.equals("error") && !value.equals("dropped")
            }
            scanner.skipBlanks()
        } while scanner.skip(UInt8(ascii: ","))
        guard isUse else { return .other }
        // An artifact that was never copied has no size.
        guard scanner.skip(UInt8(ascii: "}")), let time, let name, let pool, !name.isEmpty else { return .unreadable }
        use.time = time
        use.name = name
        use.region = pool
        use.bytes = bytes ?? 0
        return .use
    }

    /// A string without its quotes, or a number, `true`, `false` or `null`. The log has no other values.
    private func value(_ scanner: inout LogScanner) -> LogBytes? {
        if scanner.next == UInt8(ascii: "\"") { return string(&scanner) }
        let start = scanner.position
        while let byte = scanner.next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"), byte > 0x20 {
            guard byte != UInt8(ascii: "{"), byte != UInt8(ascii: "["), byte != UInt8(ascii: "\"") else { return nil }
            _ = scanner.skip(byte)
        }
        return scanner.position > start ? LogBytes(rebasing: scanner.line[start..<scanner.position]) : nil
    }

    private func string(_ scanner: inout LogScanner) -> LogBytes? {
        guard scanner.skip(UInt8(ascii: "\"")) else { return nil }
        let start = scanner.position
        while let byte = scanner.next, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") { return escaped(from: start, &scanner) }
            _ = scanner.skip(byte)
        }
        let string = LogBytes(rebasing: scanner.line[start..<scanner.position])
        return scanner.skip(UInt8(ascii: "\"")) ? string : nil
    }

    /// A string with escapes (RFC 8259 §7).
    private func escaped(from start: Int, _ scanner: inout LogScanner) -> LogBytes? {
        for byte in scanner.line[start..<scanner.position] { scratch.append(byte) }
        while let byte = scanner.next {
            _ = scanner.skip(byte)
            switch byte {
            case UInt8(ascii: "\""): return scratch.field()
            case UInt8(ascii: "\\"):
                guard let kind = scanner.next else { return nil }
                _ = scanner.skip(kind)
                switch kind {
                case UInt8(ascii: "b"): scratch.append(0x08)
                case UInt8(ascii: "f"): scratch.append(0x0C)
                case UInt8(ascii: "n"): scratch.append(0x0A)
                case UInt8(ascii: "r"): scratch.append(0x0D)
                case UInt8(ascii: "t"): scratch.append(0x09)
                case UInt8(ascii: "u"):
                    guard let unit = unit(&scanner) else { return nil }
                    // Half of a surrogate pair becomes U+FFFD, which is good enough in a name.
                    for byte in String(Unicode.Scalar(unit) ?? "\u{FFFD}").utf8 { scratch.append(byte) }
                default: scratch.append(kind)
                }
            default: scratch.append(byte)
            }
        }
        return nil
    }

    private func unit(_ scanner: inout LogScanner) -> UInt16? {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = scanner.next, let digit = UInt16(String(Unicode.Scalar(byte)), radix: 16) else { return nil }
            _ = scanner.skip(byte)
            unit = unit << 4 | digit
        }
        return unit
    }
}
