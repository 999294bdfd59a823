/// Common or combined log format: `address - user [time] "GET /path HTTP/1.1" status bytes …`.
///
/// A client that already had the artifact (304) has used it, too. The path without its query is the artifact.
struct CommonLog: LineFormat {
    var times = LogTime()
    let regions: LogRegions

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        var scanner = LogScanner(line)
        var (address, identity, user) = (scanner.word(), scanner.word(), scanner.word())
        scanner.skipBlanks()
        // Apache can write the name of the site before the address.
        while let next = scanner.next, next != UInt8(ascii: "[") {
            (address, identity, user) = (identity, user, scanner.word())
            scanner.skipBlanks()
        }
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
