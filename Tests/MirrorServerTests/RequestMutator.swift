import TestServers

/// Makes broken requests out of good ones.
struct RequestMutator {
    private var random: SeededGenerator
    private let bases: [[UInt8]]

    init(seed: UInt64, bases: [[UInt8]] = Self.bases) {
        random = SeededGenerator(seed: seed)
        self.bases = bases
    }

    /// One to three requests, changed in up to three places, cut into up to three segments.
    mutating func stream(_ number: Int) -> RequestStream {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) { bytes += bases.randomElement(using: &random) ?? [] }
        for _ in 0..<Int.random(in: 0...3, using: &random) { mutate(&bytes) }
        var segments: [[UInt8]] = []
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let cut = Int.random(in: 0...bytes.count, using: &random)
            segments.append(Array(bytes[..<cut]))
            bytes.removeFirst(cut)
        }
        return RequestStream("mutation \(number)", segments + [bytes])
    }

    /// One request, changed in up to two places.
    mutating func request() -> [UInt8] {
        var bytes = bases.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 0...2, using: &random) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...12, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes[place] = Self.oddBytes.randomElement(using: &random) ?? 0
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.insert(Self.oddBytes.randomElement(using: &random) ?? 0, at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 5, 6:
            // At the beginning of a line, where it means something.
            let line = bytes[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? place
            bytes.insert(contentsOf: Array((Self.lines.randomElement(using: &random) ?? "").utf8), at: line)
        default: bytes.insert(contentsOf: Array((Self.words.randomElement(using: &random) ?? "").utf8), at: place)
        }
    }

    private static let oddBytes: [UInt8] = Array("\r\n\t :;,/\\\"%#?-_.@GHT019aZ{}".utf8) + [0, 7, 0x1F, 0x7F, 0x80, 0xC3, 0xFF]

    static let bases: [[UInt8]] = [
        RequestStream.request(), RequestStream.request("HEAD"), RequestStream.request("GET", RequestStream.otherHit),
        RequestStream.request("GET", RequestStream.hit, "User-Agent: curl/8.5.0\r\nAccept: */*\r\n"),
        RequestStream.request("GET", RequestStream.hit, "Connection: keep-alive\r\nAccept-Encoding: identity\r\n"),
        RequestStream.request("HEAD", RequestStream.otherHit, "Connection: close\r\n"),
        RequestStream.request("GET", RequestStream.miss), RequestStream.request("GET", "/healthz"),
        RequestStream.request("GET", RequestStream.hit, "Content-Length: 5\r\n") + "hello",
        RequestStream.request("GET", RequestStream.hit, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let lines = [
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Connection: upgrade\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "Host: evil.example\r\n", "X-A: b\r\n", " folded\r\n",
        "\r\n", "\n",
        "GET \(RequestStream.hit) HTTP/1.1\r\n", "X-A : b\r\n", "TE: chunked\r\n", "Content-Length : 5\r\n",
        "Transfer-Encoding : chunked\r\n",
    ]

    private static let words = [
        "HTTP/1.0", "HTTP/1.1", " HTTP/1.1", "\r\n\r\n", "\r\n", "\r", "\n", "%2f", "%00", "chunked", "close", "?wait=0", "#x", "//", "/..",
        "é", ": ",
        "Host:", "http://mirror.example", "Content-Length:", "Transfer-Encoding:", "0\r\n\r\n",
    ]
}
