/// Common or combined log format: `address - user [time] "GET /path HTTP/1.1" status bytes …`.
///
/// A client that already had the artifact (304) has used it, too. The path without its query is the artifact.
struct CommonLog: LineFormat {
    var times = LogTime()
    let regions: LogRegions

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        var scanner = LogScanner(line)
        let address = scanner.word()
        _ = scanner.word()
        _ = scanner.word()
        guard let time = times.common(scanner.word()) else { return .unreadable }
        var request = LogScanner(scanner.word())
        guard let status = scanner.word().decimal else { return .unreadable }
        let bytes = scanner.word()
        guard request.field(0x20).equals("GET"), status == 200 || status == 206 || status == 304 else { return .other }
        use.time = time
        use.name = request.field(0x20).withoutQuery
        use.region = regions.region(of: address)
        use.bytes = bytes.decimal ?? 0
        return use.name.isEmpty ? .unreadable : .use
    }
}
