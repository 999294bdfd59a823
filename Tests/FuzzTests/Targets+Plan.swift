import Retention

@testable import CloudMirror

extension FuzzTarget {
    static let plan: [FuzzTarget] = [
        FuzzTarget(
            "plan-log",
            seeds: [
                "time,key,region,bytes\n1.5,a/b,r0,12\n2,\"a,\"\"b\",r1,7\n",
                #"{"time":"2026-01-31T12:00:00.500Z","artifact":"https://a.example/x\u00e9","pool":"s3/us-east-1","bytes":12,"outcome":"hit"}"#,
                "#Fields: date time x-edge-location sc-bytes cs-method cs-uri-stem sc-status\n2026-01-31\t12:00:00\tIAD12\t7\tGET\t/a\t200\n",
                "79a b [31/Jan/2026:12:00:00 +0000] 192.0.2.3 - 3E REST.GET.OBJECT k \"GET /k\" 200 - 113 5000 7 - \"-\" \"a\" -\n",
                "192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"GET /a/b?x HTTP/1.1\" 200 2326 \"-\" \"a\\\"b\"\n",
            ],
            words: [
                ",", "\"", "\\", "\\u", "\n", "\r\n", "\t", " ", "[", "]", "{", "}", ":", "GET", "REST.GET.OBJECT", "#Fields: ", "304", "-",
                "1e308",
                "99999999999999999999", "31/Jan/2026:12:00:00 +0000", "2026-01-31", "\0",
            ]
        ) { bytes in
            _ = LogFormat(beginning: bytes)
            for format in LogFormat.allCases {
                guard let lines = format.lineFormat(regions: LogRegions(fallback: "r")) else { continue }
                let source = LineSource(FuzzBlocks(bytes), lines, name: "log", region: nil)
                var uses = 0
                while try source.next() {
                    try require(!source.use.name.isEmpty && source.use.bytes >= 0, "\(format)")
                    try require(LogUse.times.contains(source.use.time), "\(format)")
                    _ = ClassRule.origin.artifactClass(of: source.use.name)
                    uses += 1
                }
                try require(uses == source.lines.uses, "\(format)")
            }
        },
        FuzzTarget(
            "plan-compressed",
            seeds: [
                "\u{1F}\u{FFFD}\u{8}\0\0\0\0\0\0\u{3}", "CMTRACE1\u{1}\0\0\0\u{1}\0\0\0\u{1}\0\0\0\0\0\0\0\u{2}\0r0",
            ],
            words: ["CMTRACE1", "\0", "\0\0\0\0", "\u{1}", "\u{7F}"]
        ) { bytes in
            // The magic number is no UTF-8, and so in no seed.
            let inflated = GzipBlocks(FuzzBlocks(GzipBlocks.magic + [8, 0, 0, 0, 0, 0, 0, 0] + bytes), name: "log.gz")
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            // Bits of a few bytes can stand for kilobytes; not for more than a thousandfold.
            var size = 0
            do {
                while true {
                    let count = try buffer.withUnsafeMutableBytes { try inflated.read(into: $0) }
                    if count == 0 { break }
                    size += count
                    try require(size <= 1_100 * (bytes.count + 8), "\(size) bytes")
                }
            } catch let error as CommandFailure {
                try require(!error.message.isEmpty, "no message")
            }
            do {
                let trace = try CompactTrace(FuzzBlocks(bytes), name: "a.cmt", region: nil) { _, size in Int(size & 0xFFFF) }
                while try trace.next() {}
            } catch let error as CommandFailure {
                try require(!error.message.isEmpty, "no message")
            }
        },
    ]
}

/// A log in memory.
private final class FuzzBlocks: LogBlocks {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var position: Int64 { Int64(offset) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(bytes.count - offset, 1_000, buffer.count)
        for index in 0..<count { buffer[index] = bytes[offset + index] }
        offset += count
        return count
    }
}
