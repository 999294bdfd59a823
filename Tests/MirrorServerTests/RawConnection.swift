#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore
import NIOCore
import NIOPosix
import NIOSSL
import TestServers

/// A TCP client that knows nothing of HTTP: it writes the bytes it is given, and reads until there is a whole response, or the end.
final class RawConnection: Sendable {
    struct Inbox: Sendable {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var wasReset = false
    }

    private let channel: any Channel
    private let inbox: WatchedState<Inbox>

    private init(_ channel: any Channel, _ inbox: WatchedState<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// - Parameter source: The address that it comes from, in 127.0.0.0/8; `nil` for 127.0.0.1.
    /// - Parameter preface: Is sent first of all, before TLS begins.
    /// - Parameter isTLS: Whether it speaks TLS, and believes any certificate.
    /// - Parameter mangling: Whether something below TLS is damaged, and what by chance.
    /// - Parameter receiveBuffer: Bytes that the kernel takes while nobody reads; `nil` for its own idea.
    /// - Parameter readsAlone: Whether it reads without being asked; else only after ``beginReading()``.
    /// - Parameter stopsAtFirstByte: Whether it stops to read without being asked as soon as something has come.
    /// - Parameter first: Is sent as soon as it is connected, and `second` as soon as a response has come: on a busy machine a test may come
    ///   to it much later.
    static func open(
        port: Int, from source: String? = nil, preface: String = "", isTLS: Bool = false, mangling seed: UInt64? = nil,
        receiveBuffer: Int? = nil, readsAlone: Bool = true, stopsAtFirstByte: Bool = false,
        sending first: String = "", then second: String = ""
    ) async throws -> RawConnection {
        let inbox = WatchedState(Inbox())
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: readsAlone)
        if let source { bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0)) }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        let channel =
            try await bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if !preface.isEmpty { try channel.pipeline.syncOperations.addHandler(PrefaceHandler(preface)) }
                    if let seed { try channel.pipeline.syncOperations.addHandler(RecordMangler(seed: seed)) }
                    if isTLS {
                        var configuration = TLSConfiguration.makeClientConfiguration()
                        configuration.certificateVerification = .none
                        let handler = try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(InboxHandler(inbox, first, second, stopsAtFirstByte: stopsAtFirstByte))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel, inbox)
    }

    /// Opens a connection, runs `body` and closes it.
    static func run<Result>(
        port: Int, sending first: String = "", then second: String = "", isolation: isolated (any Actor)? = #isolation,
        _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await open(port: port, sending: first, then: second)
        return try await ending {
            try await body(connection)
        } with: {
            await connection.close()
        }
    }

    /// Returns once the bytes are with the kernel. What cannot be sent because the other end has hung up is no error: the answer tells.
    func send(_ bytes: [UInt8]) async {
        try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func send(_ text: String) async {
        await send(Array(text.utf8))
    }

    /// Says that nothing more will come.
    func finishSending() async {
        try? await channel.close(mode: .output).get()
    }

    func beginReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    /// Reads a little of what has come, no more than the kernel has of it, again and again. By the event loop, which is not kept from it by
    /// other tests.
    func readSlowly(every interval: TimeAmount) -> RepeatedTask {
        channel.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [channel] _ in channel.read() }
    }

    func close() async {
        try? await channel.close().get()
    }

    /// Hangs up at once, which the other end is told even while it has nothing to write.
    func reset() async throws {
        guard let options = channel as? any SocketOptionProvider else { throw Missing(what: "a socket") }
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await close()
    }

    // MARK: Reading

    /// The next whole response, taken out of what has come.
    ///
    /// - Throws: ``RawResponse/Cut`` when the other end hung up before it was whole.
    func response(toHead: Bool = false) async throws -> RawResponse {
        let found = try await inbox.value { inbox -> Result<(RawResponse, length: Int), RawResponse.Cut>? in
            if let found = RawResponse.parse(inbox.bytes, toHead: toHead) { return .success(found) }
            return inbox.isAtEnd ? .failure(RawResponse.Cut(bytes: inbox.bytes)) : nil
        }.get()
        inbox.change { $0.bytes.removeFirst(found.length) }
        return found.0
    }

    /// All that comes until the other end hangs up.
    func rest() async throws -> Inbox {
        try await inbox.value { $0.isAtEnd ? $0 : nil }
    }

    /// Returns once some words have come as often as that; nothing is taken out of what has come.
    func seen(_ words: String, times: Int = 1) async throws -> String {
        try await inbox.value { inbox in
            let text = String(decoding: inbox.bytes, as: UTF8.self)
            return text.split(separator: words, omittingEmptySubsequences: false).count > times ? text : nil
        }
    }

    /// Bytes that have come and were not taken.
    var unread: Int { inbox.current.bytes.count }

    /// Whether the other end has hung up.
    var isAtEnd: Bool { inbox.current.isAtEnd }

    func request(_ method: String, _ target: String, _ fields: [(String, String)] = [], body: String? = nil) async throws -> RawResponse {
        var head = "\(method) \(target) HTTP/1.1\r\n"
        if !fields.contains(where: { $0.0.lowercased() == "host" }) { head += "Host: mirror.example\r\n" }
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        await send("\(head)\r\n\(body ?? "")")
        return try await response(toHead: method == "HEAD")
    }

    func get(_ target: String, _ fields: [(String, String)] = []) async throws -> RawResponse {
        try await request("GET", target, fields)
    }

    private final class PrefaceHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let preface: String

        init(_ preface: String) {
            self.preface = preface
        }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: preface)), promise: nil)
            context.fireChannelActive()
        }
    }

    private final class InboxHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let inbox: WatchedState<Inbox>
        private let first: String
        private var second: String
        private let stopsAtFirstByte: Bool

        init(_ inbox: WatchedState<Inbox>, _ first: String, _ second: String, stopsAtFirstByte: Bool) {
            self.inbox = inbox
            self.first = first
            self.second = second
            self.stopsAtFirstByte = stopsAtFirstByte
        }

        func channelActive(context: ChannelHandlerContext) {
            if !first.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: first)), promise: nil) }
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if stopsAtFirstByte, inbox.current.bytes.isEmpty { try? context.channel.syncOptions?.setOption(.autoRead, value: false) }
            let isAnswered = inbox.change { inbox in
                inbox.bytes.append(contentsOf: bytes.readableBytesView)
                return !second.isEmpty && RawResponse.parse(inbox.bytes, toHead: false) != nil
            }
            guard isAnswered else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: second)), promise: nil)
            second = ""
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { inbox.change { $0.isAtEnd = true } }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            inbox.change { $0.isAtEnd = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            inbox.change { $0.wasReset = true }
            context.close(promise: nil)
        }
    }
}
