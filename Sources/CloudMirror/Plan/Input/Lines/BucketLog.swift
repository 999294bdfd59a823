/// A bucket's server access logs: `owner bucket [time] address requester id REST.GET.OBJECT key "request" status error bytes size …`.
///
/// - SeeAlso: Amazon Simple Storage Service User Guide, "Server access log format".
struct BucketLog: LineFormat {
    var times = LogTime()
    let regions: LogRegions

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        var scanner = LogScanner(line)
        _ = scanner.word()
        _ = scanner.word()
        guard let time = times.common(scanner.word()) else { return .unreadable }
        let address = scanner.word()
        _ = scanner.word()
        _ = scanner.word()
        let operation = scanner.word()
        let key = scanner.word()
        _ = scanner.word()
        let status = scanner.word()
        _ = scanner.word()
        _ = scanner.word()
        let size = scanner.word()
        guard operation.equals("REST.GET.OBJECT") else { return operation.isEmpty ? .unreadable : .other }
        guard let status = status.decimal else { return status.equals("-") ? .other : .unreadable }
        guard status == 200 || status == 206 || status == 304 else { return .other }
        use.time = time
        use.name = key
        use.region = regions.region(of: address)
        use.bytes = size.decimal ?? 0
        return key.isEmpty ? .unreadable : .use
    }
}
