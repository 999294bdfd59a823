import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestServers
import Testing

@testable import MirrorServer

/// Requests read one at a time are the requests that NIO's decoder reads all at once.
@Suite(.timeLimit(.minutes(5)))
struct RequestReaderTests {
    /// Parts, with a body in one piece.
    private enum Part: Equatable {
        case head(HTTPRequestHead)
        case body([UInt8])
        case end
    }

    private static var limits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 32_768
        limits.maxHeaderListSize = 32_768
        limits.maxHeaderFieldCount = 100
        return limits
    }

    private func parts(_ channel: EmbeddedChannel) throws -> [Part] {
        var parts: [Part] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): parts.append(.head(head))
            case .body(let piece):
                if case .body(let bytes)? = parts.last {
                    parts[parts.count - 1] = .body(bytes + Array(piece.readableBytesView))
                } else {
                    parts.append(.body(Array(piece.readableBytesView)))
                }
            case .end: parts.append(.end)
            }
        }
        return parts
    }

    private func read(_ segments: [[UInt8]], by handler: any ChannelHandler) throws -> (parts: [Part], error: HTTPParserError?) {
        let channel = EmbeddedChannel(handler: handler)
        var error: HTTPParserError?
        for segment in segments where error == nil {
            do { try channel.writeInbound(ByteBuffer(bytes: segment)) } catch let thrown as HTTPParserError { error = thrown }
        }
        let found = try parts(channel)
        _ = try? channel.finish()
        return (found, error)
    }

    /// - Returns: Whether NIO's decoder read all of it.
    private func compare(_ stream: RequestStream) throws -> Bool {
        let known = try read(stream.segments, by: ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: Self.limits)))
        let found = try read(stream.segments, by: ReadingHandler(Self.limits))
        // Behind the last request of a connection, and behind an offer of another protocol, NIO's decoder reads nothing.
        let endsEarly = known.parts.contains { part in
            guard case .head(let head) = part else { return false }
            return !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade")
        }
        if endsEarly {
            #expect(found.parts.starts(with: known.parts), "\(stream.name)\n\(stream.bytes.shown)")
        } else {
            #expect(found.parts == known.parts, "\(stream.name)\n\(stream.bytes.shown)")
            #expect(found.error == known.error, "\(stream.name)\n\(stream.bytes.shown)")
        }
        return known.error == nil && !endsEarly
    }

    @Test func `every stream of the table is read as NIO's decoder reads it`() throws {
        var whole = 0
        for stream in RequestStream.table where try compare(stream) { whole += 1 }
        #expect(whole > 100)
    }

    @Test(arguments: 1...4)
    func `3000 broken streams are read as NIO's decoder reads them`(seed: UInt64) throws {
        var mutator = RequestMutator(seed: seed)
        var whole = 0
        for number in 1...3_000 where try compare(mutator.stream(number)) { whole += 1 }
        #expect(whole > 300)
    }

    @Test(arguments: 1...4)
    func `bodies in chunks of every kind are read as NIO's decoder reads them, wherever they are cut`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "0\r\n", "1\r\nx\r\n", "5\r\nhello\r\n", "5;a=b\r\n\r\n\r\n\r\r\n", "00000a\r\n0123456789\r\n", "A\r\n\n\n\n\n\n\n\n\n\n\n\r\n",
            "\r\n", "X: y\r\n", " folded\r\n", "X:\r\n", "ffffffffffffffff\r\n", "fffffffffffffffff\r\n", "g\r\n", "-1\r\n",
            "5 \r\nhello\r\n",
            "5\nhello\n", ";\r\n", "0;x\r\n",
        ]
        var whole = 0
        for number in 1...2_000 {
            var text = RequestStream.request("POST", "/", "Transfer-Encoding: chunked\r\n")
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                text += pieces[Int.random(in: 0..<(Bool.random(using: &random) ? 6 : pieces.count), using: &random)]
            }
            if Bool.random(using: &random) { text += "0\r\n" + (Bool.random(using: &random) ? "X: y\r\n" : "") + "\r\n" }
            let bytes = Array((text + RequestStream.request()).utf8)
            let cut = Int.random(in: 0...bytes.count, using: &random)
            if try compare(RequestStream("chunks \(number)", [Array(bytes[..<cut]), Array(bytes[cut...])])) { whole += 1 }
        }
        #expect(whole > 200)
    }

    @Test(
        "Blanks without end are refused like a head that is too long",
        arguments: [
            ("GET /", " "), ("GET / HTTP/1.1\r\nX:", " "), ("GET / HTTP/1.1\r\nX:", "\t"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX:", " "),
        ])
    func blanks(beginning: String, blank: String) throws {
        let blanks = [String](repeating: String(repeating: blank, count: 4_096), count: 16)
        let (_, error) = try read(([beginning] + blanks).map { Array($0.utf8) }, by: ReadingHandler(Self.limits))
        #expect(error == .headerOverflow)
    }

    @Test func `a body that comes with an offer of another protocol, or is full of line ends, costs no more than another`() throws {
        let size = 1 << 20
        func seconds(_ fields: String, _ body: [UInt8]) throws -> Double {
            let segments = [Array(RequestStream.request("POST", "/", fields).utf8)] + body.chunks(of: 4_096)
            let clock = ContinuousClock()
            return try (1...3).map { _ in
                try clock.measure {
                    let (parts, error) = try read(segments, by: ReadingHandler(Self.limits))
                    #expect(error == nil && parts.count == 3)
                } / .seconds(1)
            }.min() ?? .infinity
        }
        let offer = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
        let (length, chunked) = ("Content-Length: \(size)\r\n", "Transfer-Encoding: chunked\r\n")
        let (plain, lines) = ([UInt8](repeating: 0x78, count: size), [UInt8](repeating: 0x0A, count: size))
        func chunk(_ bytes: [UInt8]) -> [UInt8] {
            Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n0\r\n\r\n".utf8)
        }
        let usual = try seconds(length, plain)
        for (fields, body) in [
            (offer + length, plain), (offer + length, lines), (length, lines), (chunked, chunk(plain)), (chunked, chunk(lines)),
            (offer + chunked, chunk(lines)),
        ] {
            let time = try seconds(fields, body)
            #expect(time < usual * 5 + 0.02, "\(fields) took \(time) s in place of \(usual)")
        }
    }
}

/// Reads requests and answers each at once, as far as the reader can tell.
private final class ReadingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart

    private let connection = ConnectionProgress()
    private let reader: RequestReader
    private var hasFailed = false

    init(_ limits: NIOHTTPDecoderLimitConfiguration) {
        reader = RequestReader(connection, limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let watch = ProgressHandler(connection)
        try? context.pipeline.syncOperations.addHandler(watch, position: .after(self))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        reader.stop(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        while input.readableBytes > 0, !hasFailed {
            do {
                try reader.read(&input, context)
            } catch {
                hasFailed = true
                context.fireErrorCaught(error)
            }
        }
    }

    /// What the server's own handler tells of the parts.
    private final class ProgressHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private let connection: ConnectionProgress

        init(_ connection: ConnectionProgress) {
            self.connection = connection
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): connection.requestBegan((try? BodyEnd(head)) ?? .length(0))
            case .body: break
            case .end: connection.requestEnded(isLast: false)
            }
            context.fireChannelRead(data)
        }
    }
}

extension [UInt8] {
    fileprivate func chunks(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
