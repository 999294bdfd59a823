import HTTPTypes
import MirrorCore
import MirrorStorage

@testable import MirrorEngine
@testable import MirrorServer

extension FuzzTarget {
    static let server: [FuzzTarget] = [
        FuzzTarget(
            "request-head",
            seeds: [
                "GET /v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fa HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
                "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            ],
            words: [
                "\r\n", "\n", "\r\n\r\n", "GET ", "HEAD ", "POST ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: b\r\n",
                "Content-Length: 1\r\n",
                "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", ":", " ", "\t",
                "\0",
            ]
        ) { bytes in
            let verdict = bytes.withUnsafeBytes { RequestScanner.scan($0) }
            guard case .plain(let length, let target, _, _) = verdict else { return }
            try require(length <= bytes.count && target.upperBound <= length, "\(verdict) of \(bytes.count) bytes")
            try require(bytes[..<length].suffix(4) == [13, 10, 13, 10], "a head that does not end with an empty line")
        },
        FuzzTarget(
            "host", seeds: ["mirror.example:8080", "[2001:db8::1]:443", "%41b"],
            words: [":", "[", "]", "%4", "%41", " ", "\t", "@", "/", "::1", "65536", "\0"]
        ) { bytes in
            let isPlain = bytes.withUnsafeBytes { HostField.isPlain($0[...]) }
            let isValid = HostField.isValid(String(decoding: bytes, as: UTF8.self))
            try require(!isPlain || isValid, "plain, and not valid")
        },
        FuzzTarget(
            "chunked-body", seeds: ["5\r\nhello\r\n0\r\n\r\n", "a;b=c\r\n0123456789\r\n0\r\nX: y\r\n\r\nrest"],
            words: ["\r\n", "0\r\n", "\r\n\r\n", "ffffffffffffffff", "7fffffffffffffff", ";", "1", "f"]
        ) { bytes in
            var (whole, cut) = (ChunkedBody(), ChunkedBody())
            let length = bytes.withUnsafeBytes { whole.take($0) }
            var taken = 0
            for byte in bytes where !cut.isOver { taken += [byte].withUnsafeBytes { cut.take($0) } }
            try require(length == taken && whole.isOver == cut.isOver, "\(length) bytes at once, \(taken) one by one")
        },
        FuzzTarget(
            "request-target",
            seeds: [
                "local/dev/https%3A%2F%2Fa.example%2Fa", "https%3A%2F%2Fa.example%2Fa", "aHR0cHM6Ly9hLmV4YW1wbGUvYQ",
                "s3/eu-west-1/aHR0cHM6Ly9hLmV4YW1wbGUvYQ",
            ], words: urlWords + ["local/dev/", "/", "https%3A%2F%2F", "aHR0"]
        ) { bytes in
            let target = try RequestTarget("/v1/redirect/" + text(bytes), behind: "/v1/redirect/")
            _ = try ArtifactURL(target.url)
            _ = target.pool?.id
        },
        FuzzTarget(
            "request-range", seeds: ["bytes=0-1", "bytes=5-", "bytes=-3"],
            words: ["bytes=", "-", ",", "0", "999", "1000", "9223372036854775807", "Bytes=", "\u{301}"]
        ) { bytes in
            guard case .part(let range) = ConditionalRequest.part(text(bytes), size: 1_000) else { return }
            try require(range.offset >= 0 && range.length > 0 && range.offset + range.length <= 1_000, "\(range)")
        },
        FuzzTarget(
            "forwarded-for",
            seeds: [
                "10.1.2.3, 192.0.2.1", "[2001:db8::1]:443", "\"[2001:db8::1%25eth0]\", unknown",
                "for=192.0.2.1;proto=https;by=203.0.113.4, for=\"[2001:db8::1]:443\"",
            ],
            words: [",", "[", "]", ":", ";", "=", "for=", "\"", "%", "unknown", "_hidden", "::ffff:", "127.0.0.1", ":65536"]
        ) { bytes in
            let all = ["0.0.0.0/0", "::/0"].compactMap(IPNetwork.init)
            for header in ProxyHeader.allCases {
                var selection = SelectionConfiguration(trustedProxies: all)
                selection.proxyHeader = header
                _ = PoolSelector(selection).client(peer: IPAddress("127.0.0.1"), values: { _ in [text(bytes)] })
            }
        },
        FuzzTarget(
            "user-agent", seeds: ["pip/24.0 {\"ci\":null}", "Mozilla/5.0 (X11) Bazel/7"], words: ["pip/", "uv/", " ", "-", "\0", "é"]
        ) { bytes in
            let table = ClientTable(unknown: Patience(hop: .seconds(8), hops: 5))
            try require(table.patience(of: bytes).hops <= 100, "patience without end")
        },
        FuzzTarget(
            "warm-body",
            seeds: [#"{"urls":["https://a.example/b"],"pools":["local/dev"]}"#, #" {"urls" : [ ] , "x\u0041": [1.5e3, null, {"a":{}}]} "#],
            words: [
                "{", "}", "[", "]", ":", ",", "\"", "\\", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "\\udc00", "\"urls\"",
                "\"pools\":", "[[[[[[[[",
                "\u{FEFF}",
            ]
        ) { bytes in
            let warm: WarmCall.Request = try JSONBody.decode(bytes)
            try require(warm.urls.count <= bytes.count, "\(warm.urls.count) URLs")
        },
        FuzzTarget(
            "query-fields", seeds: ["url=https%3A%2F%2Fa.example%2Fb&pool=local/dev&hop=3", "wait=5&missing=1&missing&=&hop"],
            words: ["&", "=", "url", "hop=", "wait=", "missing", "%", "%26", "%FF", "+", "100", "5s"]
        ) { bytes in
            let query = text(bytes)
            let fields = QueryFields(query, ["url", "pool", "wait", "hop", "missing"])
            for name in ["url", "pool", "wait", "hop", "missing"] {
                try require((fields[name] == nil) == (fields.raw(name) == nil), "\(name) of \(query)")
            }
            let location = HopLocation.location(7, path: "/a", query: query, publicURL: "https://mirror.example/prefix/")
            let next = QueryFields(
                location.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(location[$0...].utf8.dropFirst()) ?? "" }, ["hop"])
            try require(next["hop"].flatMap { HopLocation.number($0) } == 7, "the hop in \(location)")
        },
        FuzzTarget(
            "conditions",
            seeds: [
                "If-None-Match: \"a\", W/\"b\"\nRange: bytes=0-9\nIf-Range: \"a\"",
                "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\nIf-Match: *",
                "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\nRange: bytes=-5",
            ],
            words: ["If-Match: ", "If-Range: ", "Range: bytes=", "\n", "\"a\"", "W/", "*", ",", "\"", " ", "9223372036854775807", "GMT"]
        ) { bytes in
            guard let key = ObjectKey(String(repeating: "0a", count: 32) + "/a") else { return }
            var fields = HTTPFields()
            for (name, value) in headers(bytes) { if let name = HTTPField.Name(name) { fields[name] = value } }
            let stored = Timestamp(milliseconds: 784_111_777_000)
            for size in [0, 1, 1_000, .max] as [Int64] {
                let info = ObjectInfo(
                    key: key, size: size, etag: "\"a\"", lastModified: stored, metadata: ObjectMetadata(upstreamURL: "", stored: stored))
                for isGet in [true, false] {
                    guard case .part(let range) = ConditionalRequest.evaluate(fields, isGet: isGet, info) else { continue }
                    try require(isGet && range.length > 0 && range.end <= size, "\(range) of \(size)")
                }
            }
        },
    ]
}
