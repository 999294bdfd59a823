/// Bytes that a client sends on one connection.
struct RequestStream: Sendable {
    let name: String
    /// Sent one after the other; see ``DifferentialPair`` for what happens in between.
    let segments: [[UInt8]]

    init(_ name: String, _ segments: [[UInt8]]) {
        self.name = name
        self.segments = segments
    }

    init(_ name: String, _ segments: String...) {
        self.init(name, segments.map { Array($0.utf8) })
    }

    var bytes: [UInt8] { segments.flatMap { $0 } }

    static let hitPath = "/dir/a-1.0.tar.gz"
    static let otherHitPath = "/b.whl"
    static let hit = World.target(hitPath)
    static let otherHit = World.target(otherHitPath)
    static let miss = World.target("/never-seen")

    static func request(_ method: String = "GET", _ target: String = hit, _ fields: String = "", version: String = "HTTP/1.1") -> String {
        "\(method) \(target) \(version)\r\nHost: mirror.example\r\n\(fields)\r\n"
    }

    /// A request whose bytes behind the request line are given.
    static func raw(_ rest: String) -> String { "GET \(hit) HTTP/1.1\r\n\(rest)" }

    private static let host = "Host: mirror.example\r\n"
    private static let get = request()
    private static let other = request("GET", otherHit)

    static let table: [RequestStream] = plain + pipelined + versionsAndMethods + targets + framing + fields + connection + cuts + sizes

    static let plain: [RequestStream] = [
        RequestStream("a hit", get),
        RequestStream("a HEAD of a hit", request("HEAD")),
        RequestStream("a hit as curl asks", request("GET", hit, "User-Agent: curl/8.5.0\r\nAccept: */*\r\n")),
        RequestStream(
            "a hit as wget asks",
            request("GET", hit, "User-Agent: Wget/1.24\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: Keep-Alive\r\n")),
        RequestStream(
            "a hit as pip asks",
            request(
                "GET", hit, "User-Agent: pip/24.0 {\"ci\":null}\r\nAccept-Encoding: identity\r\nAccept: */*\r\nConnection: keep-alive\r\n")),
        RequestStream("a miss", request("GET", miss)),
        RequestStream("a HEAD of a miss", request("HEAD", miss)),
        RequestStream("ping", request("GET", "/v1/ping")),
        RequestStream("no such route", request("GET", "/nothing/here")),
        RequestStream("nothing at all"),
    ]

    static let pipelined: [RequestStream] = [
        RequestStream("two hits at once", get + other),
        RequestStream("HEAD and GET at once", request("HEAD") + get + request("HEAD", otherHit) + other),
        RequestStream("a hundred hits at once", String(repeating: get, count: 100)),
        RequestStream(
            "hit, miss, hit, 404, hit at once", get + request("GET", miss) + other + request("GET", "/nothing") + get),
        RequestStream(
            "hit, miss, hit, 404, hit one by one", get, request("GET", miss), other, request("GET", "/nothing"), get),
        RequestStream("miss, then two hits", request("GET", miss), get + other),
        RequestStream("hit, then half of one, then the rest", get + String(get.prefix(40)), String(get.dropFirst(40)) + other),
        RequestStream("hit, ping, hit, HEAD ping, hit", get + request("GET", "/v1/ping") + get + request("HEAD", "/v1/ping") + other),
        RequestStream(
            "hit, then a POST with a body, then a hit", get + request("POST", "/v1/warm", "Content-Length: 5\r\n") + "hello" + get),
        RequestStream("hits around garbage", get + "garbage\r\n\r\n" + get),
        RequestStream("HTTP/1.0 behind a hit", get + request(version: "HTTP/1.0") + get),
        RequestStream(
            "HTTP/1.0 with keep-alive between hits",
            get, request("GET", otherHit, "Connection: keep-alive\r\n", version: "HTTP/1.0"), get + other),
        RequestStream("two hits byte by byte", Array((get + other).utf8).map { [$0] }),
    ]

    static let versionsAndMethods: [RequestStream] = [
        RequestStream("HTTP/1.0", request(version: "HTTP/1.0")),
        RequestStream("HTTP/1.0 with keep-alive, twice", request("GET", hit, "Connection: keep-alive\r\n", version: "HTTP/1.0") + get),
        RequestStream("HTTP/1.0 without a host", "GET \(hit) HTTP/1.0\r\n\r\n", get),
        RequestStream("a HEAD in HTTP/1.0", request("HEAD", version: "HTTP/1.0") + get),
        RequestStream(
            "HTTP/1.0 with keep-alive, three times, and without",
            String(repeating: request("GET", hit, "Connection: Keep-Alive\r\n", version: "HTTP/1.0"), count: 3)
                + request(version: "HTTP/1.0") + get),
        RequestStream("HTTP/1.0 with an offer", request("GET", hit, "Connection: upgrade\r\nUpgrade: h2c\r\n", version: "HTTP/1.0") + get),
        RequestStream("HTTP/1.2", request(version: "HTTP/1.2") + get),
        RequestStream("HTTP/2.0", request(version: "HTTP/2.0") + get),
        RequestStream("HTTP/0.9", "GET \(hit)\r\n" + get),
        RequestStream("HTTP/1.10", request(version: "HTTP/1.10") + get),
        RequestStream("http/1.1", request(version: "http/1.1") + get),
        RequestStream("a version with a space behind it", request(version: "HTTP/1.1 ") + get),
        RequestStream("no version", "GET \(hit) \r\n\(host)\r\n" + get),
        RequestStream("get", request("get") + get),
        RequestStream("Get", request("Get") + get),
        RequestStream("POST", request("POST", hit, "Content-Length: 0\r\n") + get),
        RequestStream("OPTIONS", request("OPTIONS") + get),
        RequestStream("OPTIONS *", request("OPTIONS", "*") + get),
        RequestStream("CONNECT", request("CONNECT", "mirror.example:443") + get),
        RequestStream("PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        RequestStream("an unknown method", request("BREW") + get),
        RequestStream("two spaces before the target", "GET  \(hit) HTTP/1.1\r\n\(host)\r\n" + get),
        RequestStream("two spaces behind the target", "GET \(hit)  HTTP/1.1\r\n\(host)\r\n" + get),
        RequestStream("a tab before the target", "GET\t\(hit) HTTP/1.1\r\n\(host)\r\n" + get),
        RequestStream("a space before the method", " " + get + get),
        RequestStream("an empty line before the request", "\r\n" + get + get),
        RequestStream("three empty lines before the request", "\r\n\r\n\r\n" + get + other),
        RequestStream("a bare LF before the request", "\n" + get + other),
        RequestStream("an empty line between requests", get + "\r\n" + other),
        RequestStream("a bare LF between requests", get + "\n" + other),
        RequestStream("spaces between requests", get + "   " + other),
        RequestStream("TLS", [[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03] + Array(get.utf8)]),
    ]

    private static let oddTargets: [String] = [
        "\(hit)?", "\(hit)?wait=0", "\(hit)?pool=local/two", "\(hit)?wait=x", "\(hit)#fragment", "\(hit)/", "\(hit)/..", "/.\(hit)",
        "/\(hit)",
        hit.replacing("%2F", with: "%2f"), hit.replacing("%3A", with: "%3a"), hit.replacing("%3A", with: ":"),
        hit.replacing("%2F", with: "/"),
        hit.replacing("a-1", with: "%61-1"), hit.replacing("https", with: "HTTPS"), hit + "%20", hit + "%00", hit + "%", hit + "%zz",
        hit + "%E2%82",
        hit + "\\", hit + "\"", hit + "<b>", hit + "{x}", hit + "é", hit.uppercased(), "http://mirror.example\(hit)",
        "http://mirror.example:80\(hit)",
        "https://mirror.example\(hit)", "ftp://mirror.example\(hit)", "http://\(hit)", "http://mirror.example", "mirror.example\(hit)", "*",
        "/",
        "//", "/?", "/v1/redirect", "/v1/redirect/", "/v1/redirect//", "/v1/redirect/local/dev/", "/v1/redirect/local/dev",
        "/v1//redirect/local/dev/x",
        "/v1/redirect/s3/dev/" + hit.dropFirst(23), "/v1/redirect/local%2Fdev/x", World.target(hitPath, route: "/v1/redirect/"),
        World.target(hitPath, route: "/v1/redirect/") + "?pool=local/dev",
        "/v1/redirect/local/dev/aHR0cHM6Ly9hcnRpZmFjdHMuZXhhbXBsZS5vcmcvYi53aGw",
        hit + String(repeating: "x", count: 300), hit + String(repeating: "x", count: 9_000), hit + String(repeating: "x", count: 40_000),
        "\(hit) ", "\(hit)\t", "\(hit)\u{b}", "\(hit)\u{7f}", "\(hit)\u{0}",
    ]

    static let targets: [RequestStream] = oddTargets.map { target in
        RequestStream("the target \(target.prefix(120)) (\(target.utf8.count) bytes)", request("GET", target) + other)
    }

    static let framing: [RequestStream] = [
        RequestStream("Content-Length: 0", request("GET", hit, "Content-Length: 0\r\n") + other),
        RequestStream("a body", request("GET", hit, "Content-Length: 5\r\n") + "hello" + other),
        RequestStream("a request in a body", request("GET", hit, "Content-Length: \(other.utf8.count)\r\n") + other + get),
        RequestStream("a body that is cut", request("GET", hit, "Content-Length: 5\r\n") + "hel"),
        RequestStream("a body of a HEAD", request("HEAD", hit, "Content-Length: 5\r\n") + "hello" + other),
        RequestStream("content-length in lower case", request("GET", hit, "content-length: 5\r\n") + "hello" + other),
        RequestStream("two equal lengths", request("GET", hit, "Content-Length: 5\r\nContent-Length: 5\r\n") + "hello" + other),
        RequestStream("two lengths", request("GET", hit, "Content-Length: 5\r\nContent-Length: 6\r\n") + "hello" + other),
        RequestStream("a list of lengths", request("GET", hit, "Content-Length: 5, 5\r\n") + "hello" + other),
        RequestStream("a negative length", request("GET", hit, "Content-Length: -5\r\n") + other),
        RequestStream("a length with a plus", request("GET", hit, "Content-Length: +5\r\n") + "hello" + other),
        RequestStream("a hexadecimal length", request("GET", hit, "Content-Length: 0x5\r\n") + "hello" + other),
        RequestStream("an empty length", request("GET", hit, "Content-Length:\r\n") + other),
        RequestStream("an absurd length", request("GET", hit, "Content-Length: 99999999999999999999\r\n") + other),
        RequestStream("a length before the host", raw("Content-Length: 5\r\n\(host)\r\n") + "hello" + other),
        RequestStream("Content_Length", request("GET", hit, "Content_Length: 5\r\n") + other),
        RequestStream("chunks", request("GET", hit, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n" + other),
        RequestStream(
            "a request in a chunk",
            request("GET", hit, "Transfer-Encoding: chunked\r\n") + "\(String(other.utf8.count, radix: 16))\r\n\(other)\r\n0\r\n\r\n" + get),
        RequestStream(
            "chunks and a trailer", request("GET", hit, "Transfer-Encoding: chunked\r\nTrailer: X\r\n") + "0\r\nX: y\r\n\r\n" + other),
        RequestStream(
            "length and chunks", request("GET", hit, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n" + other),
        RequestStream(
            "chunks and length", request("GET", hit, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n" + other),
        RequestStream("Transfer-Encoding: identity", request("GET", hit, "Transfer-Encoding: identity\r\n") + other),
        RequestStream("Transfer-Encoding: xchunked", request("GET", hit, "Transfer-Encoding: xchunked\r\n") + other),
        RequestStream(
            "Transfer-Encoding: gzip, chunked", request("GET", hit, "Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n" + other),
        RequestStream("transfer-encoding in odd case", request("GET", hit, "tRANSFER-eNCODING: chunked\r\n") + "0\r\n\r\n" + other),
        RequestStream("an obs-fold in Transfer-Encoding", request("GET", hit, "Transfer-Encoding:\r\n chunked\r\n") + "0\r\n\r\n" + other),
        RequestStream("Transfer_Encoding", request("GET", hit, "Transfer_Encoding: chunked\r\n") + other),
        RequestStream("TE", request("GET", hit, "TE: trailers\r\n") + other),
        RequestStream("a hit in a body that comes later", request("GET", hit, "Content-Length: \(get.utf8.count)\r\n"), get, other),
        RequestStream(
            "a hit in a POST's body that comes later", request("POST", "/v1/warm", "Content-Length: \(get.utf8.count)\r\n"), get, other),
        RequestStream(
            "a hit in a chunk that comes later",
            request("POST", "/v1/warm", "Transfer-Encoding: chunked\r\n") + String(get.utf8.count, radix: 16) + "\r\n", get,
            "\r\n0\r\n\r\n", other),
        RequestStream("a hit in trailers", request("GET", hit, "Transfer-Encoding: chunked\r\n") + "0\r\n", get, other),
        RequestStream("a hit in a field that is not whole", "GET \(hit) HTTP/1.1\r\n\(host)X-A: ", get, other),
        RequestStream("a hit in a target that is not whole", "GET /", get, other),
        RequestStream("a hit behind CONNECT", request("CONNECT", "mirror.example:443"), get, other),
        RequestStream("a hit behind an upgrade", request("GET", "/v1/ping", "Connection: upgrade\r\nUpgrade: h2c\r\n"), get, other),
        RequestStream("a hit behind what is no request", "garbage\r\n\r\n", get, other),
        RequestStream("a hit behind the last request", request("GET", "/v1/ping", "Connection: close\r\n"), get, other),
        RequestStream("Expect", request("GET", hit, "Expect: 100-continue\r\n") + other),
        RequestStream("Expect with a body", request("GET", hit, "Expect: 100-continue\r\nContent-Length: 5\r\n"), "hello" + other),
        RequestStream(
            "Upgrade: h2c",
            request("GET", hit, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n") + other),
        RequestStream(
            "Upgrade: h2c, one by one", request("GET", hit, "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            request("HEAD", hit, "Connection: Upgrade\r\nUpgrade: h2c\r\n"), other, get),
        RequestStream(
            "Upgrade with a body", request("POST", hit, "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n") + "hello" + other),
        RequestStream(
            "Upgrade with a hit as its body",
            request("POST", "/v1/warm", "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: \(get.utf8.count)\r\n"), get, other),
        RequestStream(
            "Upgrade with chunks",
            request("POST", hit, "Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n"
                + other),
        RequestStream("Upgrade and garbage", request("GET", hit, "Connection: Upgrade\r\nUpgrade: h2c\r\n") + "garbage\r\n\r\n" + other),
        RequestStream("Upgrade and close", request("GET", hit, "Connection: Upgrade, close\r\nUpgrade: h2c\r\n") + other),
        RequestStream("Upgrade alone", request("GET", hit, "Upgrade: h2c\r\n") + other),
        RequestStream("HTTP2-Settings alone", request("GET", hit, "HTTP2-Settings: AAMAAABk\r\n") + other),
        RequestStream("Upgrade: websocket", request("GET", hit, "Upgrade: websocket\r\nConnection: upgrade\r\n") + other),
    ]

    private static func many(_ count: Int) -> String {
        host + (1..<count).map { "X-\($0): y\r\n" }.joined() + "\r\n"
    }

    private static let oddFields: [(String, String)] = [
        ("no host", "\r\n"), ("two hosts", "\(host)\(host)\r\n"), ("two different hosts", "\(host)Host: evil.example\r\n\r\n"),
        ("an empty host", "Host:\r\n\r\n"), ("an empty host and a space", "Host: \r\n\r\n"), ("a host of spaces", "Host:    \r\n\r\n"),
        ("a host in lower case", "host: mirror.example\r\n\r\n"), ("a host in upper case", "HOST: MIRROR.EXAMPLE\r\n\r\n"),
        ("a host without a space", "Host:mirror.example\r\n\r\n"), ("a host with spaces around", "Host:   mirror.example   \r\n\r\n"),
        ("a host with a tab", "Host:\tmirror.example\r\n\r\n"), ("a host with spaces inside", "Host: mirror example\r\n\r\n"),
        ("a host with a port", "Host: mirror.example:8080\r\n\r\n"), ("a host with a path", "Host: mirror.example/x\r\n\r\n"),
        ("an IPv6 host", "Host: [::1]:80\r\n\r\n"), ("a host with odd characters", "Host: <>\"'{}|\\^`\r\n\r\n"),
        ("the host at the end", "Accept: */*\r\nX-A: b\r\n\(host)\r\n"), ("an empty value", "\(host)X-A:\r\n\r\n"),
        ("a value of spaces", "\(host)X-A:   \r\n\r\n"), ("a value with spaces at its end", "\(host)X-A: b  \r\n\r\n"),
        ("a tab before a value", "\(host)X-A:\tb\r\n\r\n"), ("a tab in a value", "\(host)X-A: b\tc\r\n\r\n"),
        ("a tab behind a value", "\(host)X-A: b\t\r\n\r\n"), ("a folded value", "\(host)X-A: b\r\n c\r\n\r\n"),
        ("a folded host", "Host: mirror\r\n .example\r\n\r\n"), ("a folded first line", " X-A: b\r\n\(host)\r\n"),
        ("a space before the colon", "\(host)X-A : b\r\n\r\n"), ("a space before the host's colon", "Host : mirror.example\r\n\r\n"),
        ("a space in a name", "\(host)X A: b\r\n\r\n"), ("no colon", "\(host)X-A\r\n\r\n"), ("no name", "\(host): b\r\n\r\n"),
        ("a colon in a value", "\(host)X-A: b:c:d\r\n\r\n"), ("odd characters in a name", "\(host)!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n"),
        ("a brace in a name", "\(host)X{A}: b\r\n\r\n"), ("a quote in a name", "\(host)X\"A: b\r\n\r\n"),
        ("a letter with an accent in a name", "\(host)X-é: b\r\n\r\n"),
        ("a letter with an accent in a value", "\(host)X-A: é\r\n\r\n"), ("a zero in a value", "\(host)X-A: b\u{0}c\r\n\r\n"),
        ("a zero in a name", "\(host)X\u{0}A: b\r\n\r\n"), ("a bell in a value", "\(host)X-A: b\u{7}c\r\n\r\n"),
        ("a DEL in a value", "\(host)X-A: b\u{7f}c\r\n\r\n"), ("a bare CR in a value", "\(host)X-A: b\rc\r\n\r\n"),
        ("a bare LF in a value", "\(host)X-A: b\nX-B: c\r\n\r\n"), ("bare LFs", "\(host)\n\n"), ("a bare LF at the end", "\(host)\n"),
        ("a bare LF behind the last field", "Host: mirror.example\n\r\n"), ("a bare CR at the end", "\(host)\rGET / HTTP/1.1\r\n\r\n"),
        ("CR CR LF", "Host: mirror.example\r\r\n\r\n"), ("LF CR", "Host: mirror.example\n\r\n\r"),
        ("X-Forwarded-For", "\(host)X-Forwarded-For: 10.0.0.1\r\n\r\n"), ("a cookie", "\(host)Cookie: a=b; c=d\r\nCookie: e=f\r\n\r\n"),
        ("a range", "\(host)Range: bytes=0-1\r\n\r\n"), ("conditions", "\(host)If-None-Match: *\r\nIf-Match: \"x\"\r\n\r\n"),
        ("an origin", "\(host)Origin: https://evil.example\r\n\r\n"), ("a token", "\(host)Authorization: Bearer x\r\n\r\n"),
        ("Accept-Encoding", "\(host)Accept-Encoding: gzip, br\r\n\r\n"), ("Want-Repr-Digest", "\(host)Want-Repr-Digest: sha-256=1\r\n\r\n"),
        ("X-HTTP-Method-Override", "\(host)X-HTTP-Method-Override: DELETE\r\n\r\n"),
        ("98 fields", many(98)),
        ("100 fields", many(100)),
        ("101 fields", many(101)),
        ("102 fields", many(102)),
        ("1000 fields", many(1000)),
    ]

    static let fields: [RequestStream] = oddFields.map { name, rest in RequestStream(name, raw(rest) + other) }

    private static let connectionValues: [String] = [
        "close", "Close", "CLOSE", "keep-alive", "Keep-Alive", "keep-alive, close", "close, keep-alive", "keep-alive,Upgrade", "upgrade",
        "TE",
        "", " ", "x", "keep-alive\r\nConnection: close", "close\r\nConnection: keep-alive", "keep-alive\r\nKeep-Alive: timeout=5", "Host",
        "keep-alive\r\nProxy-Connection: close", "close ", "\tclose",
    ]

    static let connection: [RequestStream] =
        connectionValues.map { value in RequestStream("Connection: \(value)", request("GET", hit, "Connection: \(value)\r\n") + other) } + [
            RequestStream("Proxy-Connection: close", request("GET", hit, "Proxy-Connection: close\r\n") + other),
            RequestStream("close in the middle", get + request("GET", otherHit, "Connection: close\r\n") + get),
            RequestStream("close of a HEAD", request("HEAD", hit, "Connection: close\r\n") + get),
        ]

    static let cuts: [RequestStream] = {
        let length = get.utf8.count
        var streams: [RequestStream] = []
        for kept in [1, 3, 4, 5, 20, length - 14, length - 3, length - 2, length - 1] {
            let start = String(get.prefix(kept))
            streams.append(RequestStream("\(kept) bytes of a hit and the end", start))
            streams.append(RequestStream("a hit, \(kept) bytes of another and the end", get + start))
            streams.append(RequestStream("\(kept) bytes of a hit and another", start + other))
        }
        streams.append(RequestStream("garbage behind a hit", get + "xyz"))
        streams.append(RequestStream("a zero byte behind a hit", [Array(get.utf8) + [0]]))
        streams.append(RequestStream("garbage", [Array(UInt8.min...UInt8.max)]))
        return streams
    }()

    static let sizes: [RequestStream] = {
        var streams: [RequestStream] = []
        for size in [7_000, 8_000, 8_150, 8_192, 8_193, 9_000, 20_000, 32_000, 32_700, 33_000, 70_000, 200_000] {
            streams.append(RequestStream("a field of \(size) bytes", request("GET", hit, "X-Large: \(xs(size))\r\n") + other))
        }
        for count in [8, 31, 34] {
            let fields = (0..<count).map { "X-\($0): \(xs(1_000))\r\n" }.joined()
            streams.append(RequestStream("\(count) fields of 1000 bytes", request("GET", hit, fields) + other))
        }
        for size in [8_192, 8_193] { streams.append(RequestStream("a head of exactly \(size) bytes", exactly(size) + other)) }
        streams.append(RequestStream("a name of 9000 bytes", request("GET", hit, "X-\(xs(9_000)): y\r\n") + other))
        return streams
    }()

    private static func xs(_ count: Int) -> String { String(repeating: "x", count: count) }

    private static func exactly(_ size: Int) -> String {
        request("GET", hit, "X-A: \(xs(size - request("GET", hit, "X-A: \r\n").utf8.count))\r\n")
    }
}
