import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct RequestScannerTests {
    private func scan(_ bytes: [UInt8]) -> RequestScanner.Verdict {
        bytes.withUnsafeBytes { RequestScanner.scan($0) }
    }

    private func scan(_ text: String) -> RequestScanner.Verdict { scan(Array(text.utf8)) }

    private static let plainHeads = [
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:h\r\n\r\n",
        "GET /?a=b&c HTTP/1.1\r\nHOST: h:80\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
        "GET /a%2Fb HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nCONNECTION: Keep-Alive\r\nX-Empty:\r\nX-Spaces:   \r\n\r\n",
        "GET /a HTTP/1.1\r\nContent-Type: text/plain\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nconnection:Close\r\nHost: h\r\n\r\n",
    ]

    @Test(arguments: plainHeads)
    func `a plain request is recognised with its exact length, whatever follows it`(head: String) throws {
        let isHead = head.hasPrefix("HEAD")
        let start = isHead ? 5 : 4
        let end = start + (head.dropFirst(start).firstIndex(of: " ").map { head[..<$0].utf8.count - start } ?? 0)
        let expected = RequestScanner.Verdict.plain(
            length: head.utf8.count, target: start..<end, isHead: isHead, isLast: head.lowercased().contains("close"))
        #expect(scan(head) == expected)
        #expect(scan(head + head) == expected)
        #expect(scan(head + "\u{0}garbage") == expected)
    }

    @Test(
        arguments: [
            ("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", nil), ("GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8.5.0\r\n\r\n", "curl/8.5.0"),
            ("GET /user-agent:x HTTP/1.1\r\nUSER-AGENT:a b  \r\nHost: h\r\nUser-Agent: second\r\n\r\n", "a b"),
            ("HEAD /a HTTP/1.1\r\nUser-Agent:   \r\nHost: h\r\n\r\n", ""),
        ] as [(String, String?)])
    func `the User-Agent of a plain request is found, the first where there are two`(head: String, expected: String?) {
        #expect(scan(head) != .other)
        let found = Array(head.utf8).withUnsafeBytes { bytes in
            RequestScanner.values(of: "user-agent", inPlain: bytes).first.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        #expect(found == expected)
    }

    @Test(arguments: plainHeads)
    func `a plain request that is not whole is left to the parser`(head: String) {
        for length in 0..<head.utf8.count { #expect(scan(Array(head.utf8.prefix(length))) == .other, "\(length) bytes") }
    }

    @Test(
        arguments: RequestStream.framing
            + RequestStream.connection.filter { !["keep-alive", "close"].contains($0.name.dropFirst(12).lowercased()) }
            + RequestStream.versionsAndMethods.filter { !$0.name.hasSuffix("between requests") })
    func `what has a body, another version or another say in the connection than its end is left to the parser`(stream: RequestStream) {
        let known: Set = [
            "Content_Length", "Transfer_Encoding", "a hit, then", "close in the middle", "Connection: keep-alive\r\nKeep-Alive: timeout=5",
            "a hit behind the last request", "close of a HEAD", "Connection: keep-alive\r\nConnection: close",
            "Connection: close\r\nConnection: keep-alive",
        ]
        guard !known.contains(stream.name) else { return }
        #expect(scan(stream.bytes) == .other)
    }

    @Test func `a byte that is odd where it stands is left to the parser`() {
        let head = Array("GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n".utf8)
        let positions: [(place: Int, allowed: ClosedRange<UInt8>)] = [(5, 0x21...0x7E), (28, 0x21...0x7E), (31, 0x20...0x7E)]
        for (place, allowed) in positions {
            for byte in UInt8.min...UInt8.max where !allowed.contains(byte) {
                var changed = head
                changed[place] = byte
                #expect(scan(changed) == .other, "byte \(byte) at \(place)")
            }
        }
    }

    @Test func `a head of 8192 bytes is the longest that is plain`() {
        func head(_ size: Int) -> String {
            let rest = size - "GET /a HTTP/1.1\r\nHost: h\r\nX-A: \r\n\r\n".utf8.count
            return "GET /a HTTP/1.1\r\nHost: h\r\nX-A: \(String(repeating: "x", count: rest))\r\n\r\n"
        }
        #expect(scan(head(8_192)) != .other)
        #expect(scan(head(8_193)) == .other)
    }

    /// The decoder as the server has it: no more than 100 fields, 32 KiB.
    private func decode(_ bytes: [UInt8]) throws -> [HTTPServerRequestPart] {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 32_768
        limits.maxHeaderListSize = 32_768
        limits.maxHeaderFieldCount = 100
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
        defer { _ = try? channel.finish() }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        var parts: [HTTPServerRequestPart] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) { parts.append(part) }
        return parts
    }

    @Test(arguments: 1...4)
    func `whatever is called plain is one request without a body to the HTTP decoder, of just that length`(seed: UInt64) throws {
        var mutator = RequestMutator(seed: seed)
        var plain = 0
        for _ in 0..<5_000 {
            let bytes = mutator.request()
            guard case .plain(let length, let target, let isHead, let isLast) = scan(bytes) else { continue }
            plain += 1
            let parts = try decode(Array(bytes.prefix(length)))
            guard parts.count == 2, case .head(let head) = parts[0], case .end(nil) = parts[1] else {
                Issue.record("\(bytes.shown) is \(parts) to the decoder")
                return
            }
            #expect(head.method == (isHead ? .HEAD : .GET))
            #expect(head.uri == String(decoding: bytes[target], as: UTF8.self))
            #expect(head.version == .http1_1)
            #expect(head.isKeepAlive == !isLast)
            #expect(head.headers["host"].count == 1)
            // One byte less is no whole request.
            let cut = try decode(Array(bytes.prefix(length - 1)))
            #expect(cut.isEmpty, "\(bytes.shown) ends before byte \(length)")
        }
        #expect(plain > 500)
    }

    @Test func `a request of more than 64 fields is left to the parser, which takes 100`() throws {
        func head(_ count: Int) -> String { "GET /a HTTP/1.1\r\nHost: h\r\n\(String(repeating: "A: b\r\n", count: count - 1))\r\n" }
        #expect(scan(head(64)) != .other)
        #expect(scan(head(65)) == .other)
        let parts = try decode(Array(head(100).utf8))
        #expect(parts.count == 2)
        #expect(throws: HTTPParserError.self) { try decode(Array(head(101).utf8)) }
    }

    @Test func `a head longer than the server's own limit is left to the parser`() {
        let head = Array(Self.plainHeads[0].utf8)
        #expect(head.withUnsafeBytes { RequestScanner.scan($0, limit: head.count) } != .other)
        #expect(head.withUnsafeBytes { RequestScanner.scan($0, limit: head.count - 1) } == .other)
    }
}
