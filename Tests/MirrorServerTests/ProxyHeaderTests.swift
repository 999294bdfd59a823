import MirrorCore
import NIOCore
import NIOEmbedded
import Testing

@testable import MirrorServer

/// The header of the PROXY protocol, byte by byte.
@Suite(.timeLimit(.minutes(2)))
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let ipv4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB]
    private static let ipv6: [UInt8] = [
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
        0xDC, 0x04, 0x01, 0xBB,
    ]
    private static let mapped: [UInt8] =
        [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1] + [UInt8](repeating: 0, count: 20)

    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + rest
    }

    /// Headers, and the client that each names.
    private static let headers: [([UInt8], String?)] = [
        (Array("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".utf8), "192.0.2.1"),
        (Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8), "255.255.255.255"),
        (Array("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n".utf8), "0.0.0.0"),
        (Array("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".utf8), "2001:db8::1"),
        (Array("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n".utf8), "192.0.2.1"),
        (
            Array(
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n".utf8),
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), nil), (Array("PROXY UNKNOWN ffff::1 x 65535 70000\r\n".utf8), nil),
        (binary(0x21, 0x11, ipv4), "192.0.2.1"), (binary(0x21, 0x21, ipv6), "2001:db8::1"), (binary(0x21, 0x21, mapped), "192.0.2.1"),
        // Of the proxy itself, and where it does not say.
        (binary(0x20, 0x00, []), nil), (binary(0x20, 0x11, ipv4), nil), (binary(0x20, 0xFF, [1, 2, 3]), nil), (binary(0x21, 0x00, []), nil),
        (binary(0x21, 0x00, ipv4), nil),
        // With additions: a name that was asked for, and as much as may be.
        (binary(0x21, 0x11, ipv4 + [0x02, 0x00, 0x03, 0x61, 0x62, 0x63]), "192.0.2.1"),
        (binary(0x21, 0x11, ipv4 + [UInt8](repeating: 0x04, count: 4_096 - 16 - 12)), "192.0.2.1"),
    ]

    @Test func `a header names its client, whatever comes behind it`() {
        for (bytes, client) in Self.headers {
            let header = ProxyConnectionHeader(client: client.flatMap { IPAddress($0) }, length: bytes.count)
            for rest in ["", "GET / HTTP/1.1\r\n", "\r\n", "\n", "PROXY TCP4 10.1.2.3 10.1.2.4 1 2\r\n"] {
                #expect(ProxyHeaderReader.read(bytes + Array(rest.utf8)) == .header(header), "\(bytes) \(rest)")
            }
        }
    }

    @Test func `a header that is not whole is waited for, wherever it is cut`() {
        for (bytes, _) in Self.headers {
            for length in 0..<bytes.count { #expect(ProxyHeaderReader.read(bytes[..<length]) == .incomplete, "\(bytes) \(length)") }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "PROXY\r\n", "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1\t198.51.100.1 1 2\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n", "PROXY TCP4 0x7f.0.0.1 198.51.100.1 1 2\r\n",
        "PROXY TCP6 [2001:db8::1] 2001:db8::2 1 2\r\n", "PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY UNIX /a /b\r\n", "PROXY UNKNOWNX\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
    ])
    func `a line that is not exactly one of version 1 is garbage`(text: String) {
        #expect(ProxyHeaderReader.read(Array(text.utf8)) == .garbage)
    }

    @Test func `a line without an end is garbage as soon as it is too long`() {
        let line = Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 200)
        #expect(ProxyHeaderReader.read(line.prefix(106)) == .incomplete)
        #expect(ProxyHeaderReader.read(line.prefix(107)) == .garbage)
    }

    @Test func `what is not exactly a header of version 2 is garbage, as soon as that can be seen`() {
        let cases: [[UInt8]] = [
            // Another version, command, family or protocol.
            Self.binary(0x11, 0x11, Self.ipv4), Self.binary(0x31, 0x11, Self.ipv4), Self.binary(0x22, 0x11, Self.ipv4),
            Self.binary(0x21, 0x12, Self.ipv4), Self.binary(0x21, 0x31, [UInt8](repeating: 0, count: 216)),
            Self.binary(0x21, 0x22, Self.ipv6), Self.binary(0x21, 0x01, []), Self.binary(0x21, 0x10, Self.ipv4),
            Self.binary(0x21, 0x41, Self.ipv4),
            // Too short for its addresses.
            Self.binary(0x21, 0x11, Array(Self.ipv4.dropLast())), Self.binary(0x21, 0x21, Array(Self.ipv6.dropLast())),
            Self.binary(0x21, 0x21, Self.ipv4), Self.binary(0x21, 0x11, []),
            // Too long.
            Self.binary(0x21, 0x11, Self.ipv4, length: 4_081), Self.binary(0x20, 0x00, [], length: 65_535),
            // Another signature.
            Array(Self.signature.dropLast()) + [0x0B], [0x0D, 0x0A, 0x0D, 0x0D],
        ]
        for bytes in cases {
            #expect(ProxyHeaderReader.read(bytes) == .garbage, "\(bytes)")
            #expect(ProxyHeaderReader.read(bytes.prefix(16)) == .garbage, "\(bytes)")
        }
    }

    // MARK: The handler

    /// What a handler has made of what came.
    private struct Scene {
        let channel = EmbeddedChannel()
        let registry = MetricsRegistry()

        /// - Parameter isWelcome: Whether the client that a header names may come in.
        init(isWelcome: Bool = true, _ onHeader: @escaping (IPAddress?) -> Void = { _ in }) throws {
            let handler = ProxyProtocolHandler(metrics: ConnectionMetrics(factory: registry)) { header, _ in
                onHeader(header.client)
                return isWelcome
            }
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func send(_ bytes: some Sequence<UInt8>) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

        /// What the handlers behind it got.
        func received() throws -> [UInt8] {
            var bytes: [UInt8] = []
            while let part = try channel.readInbound(as: ByteBuffer.self) { bytes += Array(part.readableBytesView) }
            return bytes
        }

        func refusals(_ flaw: ConnectionMetrics.ProxyFlaw) -> Int {
            registry.values(of: ConnectionMetrics.Name.proxyHeaders).reduce(0) {
                $0 + ($1.labels["reason"] == flaw.rawValue ? Int($1.value) : 0)
            }
        }
    }

    @Test func `a header split anywhere is read, and nothing of what follows is lost`() throws {
        let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        for (bytes, client) in Self.headers where bytes.count < 200 {
            let all = bytes + request
            for position in 1..<all.count {
                var clients: [IPAddress?] = []
                let scene = try Scene { clients.append($0) }
                try scene.send(all[..<position])
                #expect(clients.count == (position >= bytes.count ? 1 : 0))
                try scene.send(all[position...])
                #expect(clients == [client.flatMap { IPAddress($0) }], "\(bytes) \(position)")
                #expect(try scene.received() == request, "\(bytes) \(position)")
                #expect(scene.channel.isActive)
            }
        }
    }

    @Test func `a header that comes byte by byte is read`() throws {
        for (bytes, client) in Self.headers where bytes.count < 200 {
            var clients: [IPAddress?] = []
            let scene = try Scene { clients.append($0) }
            for byte in bytes + [1, 2, 3] { try scene.send([byte]) }
            #expect(clients == [client.flatMap { IPAddress($0) }])
            #expect(try scene.received() == [1, 2, 3])
            // It has left.
            #expect(throws: (any Error).self) { try scene.channel.pipeline.syncOperations.handler(type: ProxyProtocolHandler.self) }
        }
    }

    @Test func `a connection that begins with anything else is closed, and nobody hears of it`() throws {
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 x\r\nGET", "\r\n\r\n\0\r\nQUIX"] {
            var clients: [IPAddress?] = []
            let scene = try Scene { clients.append($0) }
            try? scene.send(garbage.utf8)
            #expect(!scene.channel.isActive)
            #expect(clients.isEmpty)
            #expect(try scene.received().isEmpty)
            #expect(scene.refusals(.malformed) == 1)
        }
    }

    @Test func `a header that does not come in time, or not all of it, ends the connection`() throws {
        for beginning in ["", "PROXY TCP4 192"] {
            let scene = try Scene()
            try scene.send(beginning.utf8)
            scene.channel.embeddedEventLoop.advanceTime(by: ProxyProtocolHandler.patience - .milliseconds(1))
            #expect(scene.channel.isActive)
            scene.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
            #expect(!scene.channel.isActive)
            #expect(scene.refusals(.late) == 1)
        }
        let scene = try Scene()
        try scene.send("PROXY UNKNOWN\r\n".utf8)
        scene.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(scene.channel.isActive)
    }

    @Test func `a client that ends its side before its header is whole is let go`() throws {
        for (beginning, refusals) in [("", 0), ("PROXY TCP4 192", 1)] {
            let scene = try Scene()
            try scene.send(beginning.utf8)
            scene.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            #expect(!scene.channel.isActive)
            #expect(scene.refusals(.malformed) == refusals)
        }
    }

    @Test func `a client that has all connections that it may have is not let in`() throws {
        let scene = try Scene(isWelcome: false)
        try? scene.send("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\nGET".utf8)
        #expect(!scene.channel.isActive)
        #expect(try scene.received().isEmpty)
        #expect(scene.refusals(.malformed) == 0)
    }
}
