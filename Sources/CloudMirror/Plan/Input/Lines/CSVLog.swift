/// `time,key,region,bytes`: the time in seconds or RFC 3339, and the artifact's whole size.
struct CSVLog: LineFormat {
    private var times = LogTime()
    /// For quoted fields (RFC 4180).
    private let scratch = LogScratch(capacity: LogLines.maxLength)
    private var hasRead = false

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        defer { hasRead = true }
        var scanner = LogScanner(line)
        let time = scanner.field(UInt8(ascii: ","))
        use.name = scanner.field(UInt8(ascii: ","))
        use.region = scanner.field(UInt8(ascii: ","))
        let bytes = scanner.field(UInt8(ascii: ","))
        // What is before the first field in quotes was found as it is.
        let quote = UInt8(ascii: "\"")
        if time.first == quote || use.name.first == quote || use.region.first == quote || bytes.first == quote {
            return readQuoted(line, &use)
        }
        return finish(time, bytes, &use)
    }

    private mutating func finish(_ time: LogBytes, _ bytes: LogBytes, _ use: inout LogUse) -> LogLine {
        if !hasRead, time.equals("time") { return .other }
        guard let time = times.rfc3339OrSeconds(time), let bytes = bytes.decimal, !use.name.isEmpty else { return .unreadable }
        use.time = time
        use.bytes = bytes
        return .use
    }

    private mutating func readQuoted(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        scratch.clear()
        var scanner = LogScanner(line)
        let fields = (0..<4).map { _ in unquoted(&scanner) }
        use.name = fields[1]
        use.region = fields[2]
        return finish(fields[0], fields[3], &use)
    }

    private func unquoted(_ scanner: inout LogScanner) -> LogBytes {
        guard scanner.skip(UInt8(ascii: "\"")) else { return scanner.field(UInt8(ascii: ",")) }
        while let byte = scanner.next {
            _ = scanner.skip(byte)
            if byte == UInt8(ascii: "\""), !scanner.skip(byte) { break }
            scratch.append(byte)
        }
        _ = scanner.field(UInt8(ascii: ","))
        return scratch.field()
    }
}
