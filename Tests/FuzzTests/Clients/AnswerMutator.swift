import TestServers

/// Makes answers that a server might send which means no good, or knows no better: the same for the same seed.
struct AnswerMutator {
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    private static let versions = [
        "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/1", "ICY", "http/1.1", "",
    ]
    private static let fields = [
        "Content-Length: 5", "Content-Length: 5", "Content-Length: 0", "Content-Length: -1", "Content-Length: +5", "Content-Length: 5, 5",
        "Content-Length: 9223372036854775807", "Content-Length: 9223372036854775808", "Content-Length: 18446744073709551615",
        "Content-Length: 99999999999999999999999", "Content-Length: 0x5", "Content-Length:", "Content-Length: 1e3",
        "Content-Length: 3000000000",
        "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: identity", "Transfer-Encoding: CHUNKED", "Transfer-Encoding: xchunked", "Transfer-Encoding:\u{b}chunked",
        "Transfer-Encoding: chunked, chunked", "Transfer-Encoding:", "Connection: close", "Connection: keep-alive", "Connection: upgrade",
        "Upgrade: h2c", "Upgrade: websocket", "Trailer: X-T", "Keep-Alive: timeout=-1, max=99999999999999999999", "Proxy-Connection: close",
        "Location: /next", "Location: caf\u{e9}", "Content-Encoding: gzip", "Content-Type: text/html", "ETag: \"a\"", "X: ", "X:", "X",
        ": x", " folded",
        "X\u{0}: 1", "X: \u{0}", "X: \u{7f}", "Set-Cookie: a=b; Expires=x", "Retry-After: -1", "Content-Range: bytes 0-4/5",
    ]
    private static let bodies = [
        "", "hello", "hello world", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "5;ext=\"a\"\r\nhello\r\n0\r\n\r\n",
        "0\r\n\r\n", "0\r\nX: y\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\nX:\r\n\r\n", "ffffffffffffffff\r\nhello", "fffffffffffffffff\r\nhello",
        "-1\r\nhello\r\n", "5\r\nhel", "5\nhello\n0\n\n",
        "z\r\n", "7fffffffffffffff\r\nhello", "00000000000000000000005\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "\r\n\r\n",
        "0\r\n\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]

    /// One answer, and perhaps more than one, with the options of an ``Exchange`` before it.
    mutating func next() -> [UInt8] {
        var options = chance(5) ? "h" : chance(8) ? "p" : chance(10) ? "s" : ""
        options += chance(4) ? "k" : chance(15) ? "r" : chance(25) ? "w" : ""
        if chance(8) { options += "e" }
        if chance(2) { options += "\(number(1, 9))" }
        return Array("\(options)\n".utf8) + answer()
    }

    private mutating func answer() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(chance(10) ? 2 : 1) {
            for _ in 0..<(chance(5) ? number(0, 3) : chance(60) ? 40 : 0) { bytes += head(status: chance(3) ? 101 : number(100, 199)) }
            bytes += head(status: status())
            bytes += pick(Self.bodies).utf8
            if chance(12) { bytes += head(status: number(100, 103)) }
        }
        mutate(&bytes)
        return bytes
    }

    private mutating func status() -> Int {
        switch number(0, 9) {
        case 0...1: number(0, 99)
        case 2: number(100, 199)
        case 3: number(600, 999)
        case 4: [204, 205, 206, 301, 302, 304, 101, 407, 421].randomElement(using: &random) ?? 204
        default: 200
        }
    }

    private mutating func head(status: Int) -> [UInt8] {
        let digits = String("000\(status)".suffix(3))
        let lineEnd = chance(12) ? "\n" : "\r\n"
        var text = "\(pick(Self.versions)) \(chance(20) ? "\(status)" : digits)\(chance(4) ? "" : " OK")\(lineEnd)"
        for _ in 0..<number(0, 4) { text += pick(Self.fields) + lineEnd }
        if chance(300) { for field in 0..<300 { text += "X-\(field): \(field)\(lineEnd)" } }
        if chance(300) { text += "X: \(String(repeating: "x", count: 70_000))\(lineEnd)" }
        // As Latin-1, so that not everything is UTF-8.
        return (text + lineEnd).unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard chance(3) else { return }
        for _ in 0..<number(1, 4) {
            guard !bytes.isEmpty else { return }
            let place = number(0, bytes.count - 1)
            switch number(0, 3) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
            default: bytes.removeSubrange(place...)
            }
        }
    }

    /// True once in so many times.
    private mutating func chance(_ times: Int) -> Bool { number(1, times) == 1 }

    private mutating func number(_ least: Int, _ most: Int) -> Int { Int.random(in: least...most, using: &random) }

    private mutating func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
}
