/// CloudFront's standard logs: columns separated by tabs, named by a `#Fields:` line.
///
/// - SeeAlso: Amazon CloudFront Developer Guide, "Standard logging reference".
struct CloudFrontLog: LineFormat {
    private static let standard = [
        "date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status",
    ]
    private static let wanted = ["date", "time", "x-edge-location", "sc-bytes", "cs-method", "cs-uri-stem", "sc-status"]

    private var times = LogTime()
    /// For each column, its index among the wanted ones.
    private var columns = Self.places(Self.standard)
    private var fields = [LogBytes](repeating: LogBytes(start: nil, count: 0), count: Self.wanted.count)

    private static func places(_ names: [String]) -> [Int?] { names.map { wanted.firstIndex(of: $0) } }

    mutating func read(_ line: LogBytes, _ use: inout LogUse) -> LogLine {
        if line.first == UInt8(ascii: "#") {
            let words = line.text.split(whereSeparator: \.isWhitespace).map { String($0) }
            if words.first == "#Fields:" { columns = Self.places(Array(words.dropFirst())) }
            return .other
        }
        for index in fields.indices { fields[index] = LogBytes(start: nil, count: 0) }
        var scanner = LogScanner(line)
        for place in columns {
            let field = scanner.field(UInt8(ascii: "\t"))
            if let place { fields[place] = field }
        }
        guard let time = times.date(fields[0], time: fields[1]), let bytes = fields[3].decimal, let status = fields[6].decimal else {
            return .unreadable
        }
        guard fields[4].equals("GET"), status == 200 || status == 206 || status == 304 else { return .other }
        use.time = time
        use.name = fields[5]
        // Only the airport code matters; the rest identifies a building.
        use.region = LogBytes(rebasing: fields[2].prefix(3))
        use.bytes = bytes
        return use.name.isEmpty ? .unreadable : .use
    }
}
