@testable import AsyncHTTPClient
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization

/// A client without its sockets and its pool of connections: what it puts into a connection, in which order, and what it makes of a response.
struct SocketlessClient: Sendable {
    typealias Execute = @Sendable (HTTPClientRequest) async throws -> HTTPClientResponse

    let configuration: HTTPClient.Configuration
    /// Asks once, by way of `execute`, and reads what is answered to the end. What it throws is as in ``FuzzedClient``.
    let ask: @Sendable (_ exchange: Exchange, _ execute: Execute) async throws -> Void
}

/// Connections of such a client, one after the other: the handlers as the client and AsyncHTTPClient add them, around a loop whose time passes when nothing else
/// happens.
///
/// Everything is done by the thread that calls, so nothing has to be waited for: a request that does not end although its server does nothing more, and
/// although time passes, never ends.
final class SocketlessConnection {
    private static let address = "127.0.0.1"
    /// Longer than any client is patient.
    private static let longTime = TimeAmount.minutes(10)

    private let client: SocketlessClient
    private let loop = EmbeddedEventLoop()
    private let jobs = JobQueue()
    private var open: Open?

    private struct Open {
        let channel: EmbeddedChannel
        let connection: HTTP1Connection
        let wire: Wire
        let pool: Pool
    }

    init(_ client: SocketlessClient) {
        self.client = client
    }

    /// One exchange; over the connection of the one before it, where both sides keep that.
    ///
    /// - Throws: A ``Contradiction`` for what must not be; anything else is a refusal.
    func run(_ exchange: Exchange) throws {
        let connection = try self.open ?? connect()
        self.open = nil
        defer { leave(connection, keeping: exchange.end == .keep) }
        connection.pool.isIdle = false
        connection.wire.isAsked = false
        let outcome = begin(exchange, over: connection.connection.sendableView)
        var pieces = exchange.pieces[...]
        var waits = 0
        while true {
            if jobs.run() { continue }
            loop.run()
            if jobs.run() { continue }
            if let result = outcome.withLock({ $0 }) {
                // What is left comes to who has asked for nothing more.
                while exchange.end == .keep, let piece = pieces.popFirst() { deliver(piece, over: connection) }
                return try result.get()
            }
            if connection.wire.isAsked, connection.channel.isActive {
                if let piece = pieces.first, connection.wire.isReading {
                    pieces.removeFirst()
                    deliver(piece, over: connection)
                    continue
                }
                if pieces.isEmpty, exchange.end != .wait || waits > 0 {
                    hangUp(connection, isReset: exchange.end == .reset)
                    continue
                }
            }
            try require(waits < 3, "the request does not end")
            waits += 1
            loop.advanceTime(by: Self.longTime)
        }
    }

    /// To be called before it goes away.
    func close() {
        if let open { leave(open, keeping: false) }
        open = nil
        // A loop goes away with nothing left to do, or ends the process.
        loop.shutdownGracefully { _ in }
    }

    // MARK: The client's side

    private func connect() throws -> Open {
        let channel = EmbeddedChannel(loop: loop)
        channel.remoteAddress = try SocketAddress(ipAddress: Self.address, port: 80)
        try channel.connect(to: SocketAddress(ipAddress: Self.address, port: 80)).wait()
        let (wire, pool) = (Wire(), Pool())
        let connection = try HTTP1Connection.start(
            channel: channel, connectionID: 1, delegate: pool, decompression: client.configuration.decompression,
            logger: ClientTarget.silent)
        try client.configuration.http1_1ConnectionDebugInitializer?(channel).wait()
        try channel.pipeline.syncOperations.addHandler(wire, position: .first)
        channel.read()
        return Open(channel: channel, connection: connection, wire: wire, pool: pool)
    }

    private func begin(_ exchange: Exchange, over connection: HTTP1Connection.SendableView) -> Outcome {
        let outcome = Outcome()
        let (client, loop) = (client, loop)
        Task(executorPreference: jobs) {
            do {
                try await client.ask(exchange) { request in
                    let prepared = try HTTPClientRequest.Prepared(request)
                    return try await withCheckedThrowingContinuation { continuation in
                        connection.executeRequest(
                            Transaction(
                                request: prepared, requestOptions: .fromClientConfiguration(client.configuration),
                                logger: ClientTarget.silent,
                                connectionDeadline: .distantFuture, preferredEventLoop: loop, responseContinuation: continuation))
                    }
                }
                outcome.set(.success(()))
            } catch {
                outcome.set(.failure(error))
            }
        }
        return outcome
    }

    /// How a request ended; `nil` while it has not.
    private final class Outcome: Sendable {
        private let result = Mutex<Result<Void, any Error>?>(nil)

        func set(_ value: Result<Void, any Error>) { result.withLock { $0 = value } }
        func withLock(_ body: (Result<Void, any Error>?) -> Result<Void, any Error>?) -> Result<Void, any Error>? {
            result.withLock { body($0) }
        }
    }

    private func leave(_ connection: Open, keeping isKept: Bool) {
        repeat { loop.run() } while jobs.run()
        if isKept, connection.pool.isIdle, connection.channel.isActive {
            self.open = connection
            return
        }
        hangUp(connection, isReset: false)
        repeat { loop.run() } while jobs.run()
    }

    // MARK: The server's side

    private func deliver(_ piece: [UInt8], over connection: Open) {
        guard connection.channel.isActive else { return }
        connection.wire.isReading = false
        let pipeline = connection.channel.pipeline.syncOperations
        pipeline.fireChannelRead(NIOAny(ByteBuffer(bytes: piece)))
        pipeline.fireChannelReadComplete()
        if connection.channel.isActive { connection.channel.read() }
    }

    private func hangUp(_ connection: Open, isReset: Bool) {
        guard connection.channel.isActive else { return }
        if isReset { connection.channel.pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read")) }
        // As a socket does that has come to its end, which asks no handler.
        connection.channel._channelCore.close0(error: ChannelError.eof, mode: .all, promise: nil)
    }

    /// The end of the pipeline where the socket would be.
    private final class Wire: ChannelOutboundHandler {
        typealias OutboundIn = NIOAny
        typealias OutboundOut = NIOAny

        /// Whether more bytes are wanted.
        var isReading = false
        /// Whether anything was sent. Requests come whole.
        var isAsked = false

        func read(context: ChannelHandlerContext) {
            isReading = true
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            isAsked = true
            promise?.succeed()
        }

        func flush(context: ChannelHandlerContext) {}
    }

    /// What the pool of connections is told.
    private final class Pool: HTTP1ConnectionDelegate {
        private let idle = Atomic(false)

        var isIdle: Bool {
            get { idle.load(ordering: .relaxed) }
            set { idle.store(newValue, ordering: .relaxed) }
        }

        func http1ConnectionReleased(_: HTTPConnectionPool.Connection.ID) { isIdle = true }
        func http1ConnectionClosed(_: HTTPConnectionPool.Connection.ID) { isIdle = false }
    }
}
