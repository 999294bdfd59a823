import NIOCore
import NIOPosix
import NIOSSL

/// The owner of a connection; called on the event loop.
protocol RedisConnectionOwner: AnyObject {
    /// The handshake has succeeded: commands can be sent.
    func connectionIsReady(_ connection: RedisConnection)
    /// The last call for a connection, once, even if it never was ready.
    func connectionEnded(_ connection: RedisConnection, _ error: RedisError)
    /// It started or stopped answering in time.
    func connectionHealthChanged(_ connection: RedisConnection)
    func connection(_ connection: RedisConnection, told event: RedisEvent)
    /// A subscription that was made after the handshake is in force.
    func connection(_ connection: RedisConnection, subscribedTo channel: String)
    /// - Returns: Whether the owner takes care of the command; if not, its caller gets the error.
    func connection(_ connection: RedisConnection, refused command: PendingCommand, _ error: RedisError) -> Bool
}

/// One connection to one server, from the attempt to its end. Lives on the event loop.
final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State { case connecting, handshake, ready, draining, ended }

    let address: RedisConfiguration.Address
    private let context: RedisContext
    private weak var owner: (any RedisConnectionOwner)?
    private var state = State.connecting
    private(set) var handshake: RedisHandshake
    private var channel: (any Channel)?
    private var parser = RESPParser()
    private var replies: ReplyQueue
    private var drainError: RedisError?
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?
    private var connectTimer: Scheduled<Void>?
    private(set) var readySince: NIODeadline?

    init(to address: RedisConfiguration.Address, _ plan: RedisHandshake.Plan, _ context: RedisContext, owner: any RedisConnectionOwner) {
        self.address = address
        self.context = context
        self.owner = owner
        handshake = RedisHandshake(plan)
        let configuration = context.configuration
        replies = ReplyQueue(
            limits: ReplyQueue.Limits(
                command: TimeAmount(configuration.commandTimeout), stall: TimeAmount(configuration.stallTimeout),
                ping: TimeAmount(configuration.pingInterval)),
            now: .now())
    }

    /// Whether commands may be sent over it.
    var isReady: Bool { state == .ready }

    /// Whether no answer is overdue.
    var isHealthy: Bool { !replies.isOverdue }

    // MARK: Connecting

    func start() {
        connectTimer = context.loop.assumeIsolated().scheduleTask(in: TimeAmount(context.configuration.connectTimeout)) { [self] in
            end(RedisError(.notConnected, "\(address) did not answer in time\(hint)"))
        }
        let bound = NIOLoopBound(self, eventLoop: context.loop)
        let tls = context.tls
        // A host name is sent to the server and checked against its certificate; an address is only checked.
        let name = (try? SocketAddress(ipAddress: address.host, port: 0)) == nil ? address.host : nil
        ClientBootstrap(group: context.loop)
            .connectTimeout(TimeAmount(context.configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4 << 10, initial: 16 << 10, maximum: 256 << 10)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: address.host, port: address.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): if self.state == .ended { channel.close(promise: nil) }
                case .failure(let error): self.end(self.connectionError(error))
                }
            }
    }

    func channelActive(context: ChannelHandlerContext) {
        guard state == .connecting else { return context.close(promise: nil) }
        channel = context.channel
        state = .handshake
        var bytes = context.channel.allocator.buffer(capacity: 512)
        handshake.encode(into: &bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func becomeReady() {
        state = .ready
        connectTimer?.cancel()
        connectTimer = nil
        readySince = .now()
        owner?.connectionIsReady(self)
        if state == .ready { look() }
    }

    // MARK: Commands

    /// - Parameter bytes: The commands, encoded in their order.
    func send(_ bytes: ByteBuffer, _ commands: some Sequence<PendingCommand>) {
        guard let channel, state == .ready || state == .draining else {
            return context.outbox.fail(commands, RedisError(.notConnected, "not connected to \(address)"))
        }
        let now = NIODeadline.now()
        var earliest = NIODeadline.distantFuture
        for command in commands {
            if command.isTracked || command.isAsking { replies.append(.ignored, now: now) }
            earliest = min(earliest, command.deadline)
            replies.append(.command(command), now: now)
        }
        channel.writeAndFlush(bytes, promise: nil)
        arm(at: earliest)
    }

    func send(_ command: PendingCommand) {
        var bytes = ByteBuffer()
        command.encode(into: &bytes)
        send(bytes, CollectionOfOne(command))
    }

    /// Sends one of this module's own commands.
    func ask(_ words: [RedisWord], _ done: @escaping (Result<RedisValue, RedisError>) -> Void) {
        let bound = NIOLoopBound(done, eventLoop: context.loop)
        let command = PendingCommand(
            command: RedisCommand(words, key: nil), script: nil, isTracked: false,
            deadline: .now() + TimeAmount(context.configuration.commandTimeout), answer: .callback { bound.value($0) })
        context.outbox.admit(command)
        send(command)
    }

    /// Subscribes to further channels; the owner is told by ``RedisConnectionOwner/connection(_:subscribedTo:)``. If the server refuses,
    /// the connection ends: changes would be missed.
    func subscribe(to channels: [String]) {
        guard let channel, isReady, !channels.isEmpty else { return }
        var bytes = ByteBuffer()
        bytes.write(RedisCommand(["SUBSCRIBE"] + channels.map { .text($0) }, key: nil))
        replies.append(.subscription(Set(channels)), now: .now())
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// Accepts no further commands, and ends when those in progress are answered.
    func drain(_ error: RedisError) {
        guard state == .ready else { return }
        state = .draining
        context.loop.assumeIsolated().scheduleTask(in: TimeAmount(context.configuration.commandTimeout)) { [self] in end(error) }
        drainError = error
    }

    // MARK: Replies

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .ended else { return }
        if replies.bytesCame(at: .now()) { owner?.connectionHealthChanged(self) }
        parser.append(unwrapInboundIn(data))
        do throws(RedisError) {
            while state != .ended, let item = try parser.next() {
                switch item {
                case .reply(let value): received(value)
                case .push(let values): receivedPush(values)
                }
            }
        } catch {
            end(RedisError(error.code, error.message + hint))
        }
        if state == .draining, replies.isEmpty { end(drainError ?? RedisError(.connectionLost, "the connection was closed")) }
    }

    private func received(_ value: RedisValue) {
        switch state {
        case .handshake: proceed(handshake.received(value))
        case .ready, .draining:
            switch replies.popFirst() {
            case .command(let command):
                if case .error(let error) = value {
                    refused(command, error)
                } else {
                    context.outbox.finish(command, .success(value))
                }
            case .abandoned(let cost): context.outbox.release(cost: cost)
            case .ignored: break
            case .subscription:
                if case .error(let error) = value { end(handshake.explain(error)) } else { end(RedisHandshake.unconfirmed) }
            case nil: end(RedisError(.malformed, "\(address) sent an unexpected reply"))
            }
        case .connecting, .ended: break
        }
    }

    private func refused(_ command: PendingCommand, _ error: RedisError) {
        if error.code == .server("NOSCRIPT"), let whole = command.withWholeScript() {
            send(whole)
        } else if owner?.connection(self, refused: command, error) != true {
            context.outbox.finish(command, .failure(error))
        }
    }

    private func proceed(_ outcome: RedisHandshake.Outcome) {
        switch outcome {
        case .more: break
        case .done: becomeReady()
        case .failed(let error): end(error)
        }
    }

    private func receivedPush(_ values: [RedisValue]) {
        switch values.first?.string {
        case "message" where values.count == 3:
            if let channel = values[1].string, case .blob(let payload) = values[2] {
                owner?.connection(self, told: .message(channel: channel, payload: payload))
            }
        case "invalidate" where values.count == 2:
            if let keys = values[1].array {
                owner?.connection(self, told: .invalidated(keys: keys.compactMap(\.string)))
            } else {
                owner?.connection(self, told: .flushed)
            }
        case "subscribe" where values.count == 3:
            guard let channel = values[1].string else { break }
            if state == .handshake { return proceed(handshake.subscribed(to: channel)) }
            replies.subscribed(to: channel)
            owner?.connection(self, subscribedTo: channel)
        default: break
        }
    }

    // MARK: Time

    private func arm(at deadline: NIODeadline) {
        if let timer {
            guard deadline < timer.at else { return }
            timer.task.cancel()
        }
        timer = (
            deadline,
            context.loop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
                timer = nil
                let now = NIODeadline.now()
                // If the loop is late, it has not read yet what arrived meanwhile.
                if now - deadline > .milliseconds(20) { arm(at: now + .milliseconds(5)) } else { look() }
            }
        )
    }

    private func look() {
        guard state == .ready || state == .draining else { return }
        let now = NIODeadline.now()
        let wasHealthy = isHealthy
        let verdict = replies.check(at: now)
        if verdict.isStalled {
            end(RedisError(.connectionLost, "\(address) no longer answers"), timedOut: verdict.timedOut)
            return
        }
        if wasHealthy != isHealthy { owner?.connectionHealthChanged(self) }
        tellTimedOut(verdict.timedOut)
        if verdict.wantsPing, let channel {
            replies.append(.ignored, now: now)
            channel.writeAndFlush(ByteBuffer(staticString: "*1\r\n$4\r\nPING\r\n"), promise: nil)
        }
        arm(at: max(verdict.next, now + .milliseconds(1)))
    }

    /// They count towards the limits until their replies arrive.
    private func tellTimedOut(_ commands: [PendingCommand]) {
        let error = RedisError(.timedOut, "\(address) did not answer in time")
        for command in commands { command.answer(.failure(error)) }
    }

    // MARK: Closing

    func channelInactive(context: ChannelHandlerContext) {
        end(RedisError(.connectionLost, "\(address) closed the connection\(hint)"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(connectionError(error))
    }

    /// Ends the connection now. Does nothing if it has ended.
    func end(_ error: RedisError, timedOut: [PendingCommand] = []) {
        guard state != .ended else { return }
        state = .ended
        timer?.task.cancel()
        timer = nil
        connectTimer?.cancel()
        connectTimer = nil
        channel?.close(mode: .all, promise: nil)
        tellTimedOut(timedOut)
        let lost = RedisError(.connectionLost, error.message)
        while let expected = replies.popFirst() {
            switch expected {
            case .command(let command): context.outbox.finish(command, .failure(lost))
            case .abandoned(let cost): context.outbox.release(cost: cost)
            case .ignored, .subscription: break
            }
        }
        owner?.connectionEnded(self, error)
    }

    /// Calls `body` when the socket is closed.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        guard let channel else { return body() }
        channel.closeFuture.whenComplete { _ in body() }
    }

    private func connectionError(_ error: any Error) -> RedisError {
        let code: RedisError.Code = state == .ready || state == .draining ? .connectionLost : .notConnected
        return RedisError(code, "\(address): \(ConnectionFailure.words(error, host: address.host, hint: hint))")
    }

    /// Only useful if no server has been connected to before.
    private var hint: String { state == .handshake && context.status.current.serverVersion == nil ? ConnectionFailure.hint : "" }
}
