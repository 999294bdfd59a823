import Logging
import NIOCore

/// The owner of a link; called on the event loop.
protocol RedisLinkOwner: AnyObject {
    /// The link became usable or unusable, or may be usable soon.
    func linkChanged(_ link: RedisLink)
    func link(_ link: RedisLink, told event: RedisEvent)
    /// A subscription that was made after the handshake is in force.
    func link(_ link: RedisLink, subscribedTo channel: String)
    /// A connection is made; called before any command is sent over it.
    func linkIsReady(_ link: RedisLink, _ handshake: RedisHandshake)
    /// - Returns: Whether the owner takes care of the command; if not, its caller gets the error.
    func link(_ link: RedisLink, refused command: PendingCommand, _ error: RedisError) -> Bool
}

/// Keeps a connection to a server: finds the server, connects, and starts again with growing pauses when that fails or the connection is lost.
/// Lives on the event loop.
final class RedisLink: RedisConnectionOwner {
    /// Finds the server to connect to; called before each attempt.
    typealias Finder = (_ found: @escaping (Result<RedisConfiguration.Address, RedisError>) -> Void) -> Void

    private enum State {
        case idle
        /// `isFirst` is `true` for the first attempt since the last connection was lost.
        case connecting(isFirst: Bool)
        case connected
        case pausing
        case closed
    }

    /// The properties of the next connection.
    var plan: RedisHandshake.Plan
    private let context: RedisContext
    private let find: Finder
    private weak var owner: (any RedisLinkOwner)?
    private var state = State.idle
    private var connection: RedisConnection?
    private var backoff: Backoff
    /// Counts attempts, so that an answer from an earlier one is recognised.
    private var attempt = 0
    private var pause: Scheduled<Void>?
    private lazy var waiting = WaitingCommands(context) { [weak self] in self?.fail($0) }
    private(set) var lastError: RedisError?
    private var log: FailureLog

    /// - Parameter role: For the log.
    init(
        _ plan: RedisHandshake.Plan, _ context: RedisContext, owner: any RedisLinkOwner, role: String = "server", find: @escaping Finder
    ) {
        self.plan = plan
        self.context = context
        self.owner = owner
        self.find = find
        backoff = Backoff(first: TimeAmount(context.configuration.backoff), limit: TimeAmount(context.configuration.backoffLimit))
        log = FailureLog(context.logger, role: role)
    }

    /// Whether commands are sent at once.
    var isUsable: Bool { connection.map { $0.isReady && $0.isHealthy } ?? false }

    /// Why commands fail at once; `nil` if they do not.
    var refusal: RedisError? {
        switch state {
        case .connected:
            guard let connection, connection.isReady, !connection.isHealthy else { return nil }
            return RedisError(.notConnected, "an answer from \(connection.address) is overdue")
        case .idle, .connecting(isFirst: true): return nil
        case .connecting, .pausing: return RedisError(.notConnected, lastError?.message ?? "not connected")
        case .closed: return .closed
        }
    }

    // MARK: Connecting

    func start() {
        guard case .idle = state else { return }
        connect(isFirst: true)
    }

    private func connect(isFirst: Bool) {
        state = .connecting(isFirst: isFirst)
        attempt += 1
        let current = attempt
        find { [weak self] result in
            guard let self, self.attempt == current, case .connecting = self.state else { return }
            switch result {
            case .failure(let error): self.failed(error)
            case .success(let address):
                let connection = RedisConnection(to: address, self.plan, self.context, owner: self)
                self.connection = connection
                connection.start()
            }
        }
    }

    func connectionIsReady(_ connection: RedisConnection) {
        guard connection === self.connection else { return }
        state = .connected
        lastError = nil
        log.connected(to: connection.address, connection.handshake)
        // The owner's callers must no longer be refused when they hear of the connection; what they submit is sent later.
        owner?.linkChanged(self)
        owner?.linkIsReady(self, connection.handshake)
        sendAll(waiting.takeAll())
    }

    func connectionEnded(_ connection: RedisConnection, _ error: RedisError) {
        guard connection === self.connection else { return }
        self.connection = nil
        guard let since = connection.readySince else { return failed(error) }
        if case .closed = state { return }
        lastError = RedisError(.notConnected, error.message)
        owner?.link(self, told: .disconnected(error))
        log.lost(connection.address, error)
        if NIODeadline.now() - since > TimeAmount(context.configuration.backoffLimit) {
            backoff.reset()
            connect(isFirst: true)
        } else {
            // A connection that breaks again and again is no better than one that cannot be made.
            pauseThenConnect()
        }
        owner?.linkChanged(self)
    }

    private func failed(_ error: RedisError) {
        if case .closed = state { return }
        connection = nil
        lastError = RedisError(.notConnected, error.message)
        log.failed(error)
        pauseThenConnect()
        owner?.linkChanged(self)
    }

    private func pauseThenConnect() {
        state = .pausing
        fail(waiting.takeFresh())
        pause = context.loop.assumeIsolated().scheduleTask(in: backoff.next()) { [weak self] in
            guard let self, case .pausing = self.state else { return }
            self.connect(isFirst: false)
        }
    }

    /// Gives up the connection, after the commands in progress, because it is no longer to the right server.
    func reconnect(_ error: RedisError) {
        connection?.drain(error)
        owner?.linkChanged(self)
    }

    /// Gives up the connection or the attempt now, and starts again without a pause.
    func restart(_ error: RedisError) {
        connection?.end(error)
        guard case .pausing = state else { return }
        pause?.cancel()
        connect(isFirst: false)
    }

    /// The server of the connection or of the current attempt.
    var address: RedisConfiguration.Address? { connection?.address }

    /// Subscribes to further channels on the current connection and later ones.
    func subscribe(to channels: [String]) {
        plan.channels += channels
        connection?.subscribe(to: channels)
    }

    /// The same for channels that later connections already subscribe to.
    func resubscribe(to channels: [String]) {
        connection?.subscribe(to: channels)
    }

    // MARK: Commands

    /// - Parameter bytes: The commands, encoded in their order.
    func submit(_ bytes: ByteBuffer, _ commands: [PendingCommand]) {
        if let connection, isUsable {
            connection.send(bytes, commands)
        } else {
            for command in commands { submitOrWait(command) }
        }
    }

    func submit(_ command: PendingCommand) {
        if let connection, isUsable { connection.send(command) } else { submitOrWait(command) }
    }

    private func sendAll(_ commands: [PendingCommand]) {
        guard !commands.isEmpty else { return }
        var bytes = ByteBuffer()
        for command in commands { command.encode(into: &bytes) }
        submit(bytes, commands)
    }

    private func submitOrWait(_ command: PendingCommand) {
        let mayWait: Bool
        if case .closed = state { mayWait = false } else { mayWait = refusal == nil || command.retries > 0 }
        guard mayWait else {
            return context.outbox.finish(command, .failure(refusal ?? RedisError(.notConnected, "not connected")))
        }
        waiting.append(command)
    }

    private func fail(_ commands: [PendingCommand]) {
        guard !commands.isEmpty else { return }
        context.outbox.fail(commands, refusal ?? RedisError(.notConnected, lastError?.message ?? "no connection in time"))
    }

    // MARK: Reports from the connection

    func connectionHealthChanged(_ connection: RedisConnection) {
        if connection === self.connection { owner?.linkChanged(self) }
    }

    func connection(_ connection: RedisConnection, told event: RedisEvent) {
        if connection === self.connection { owner?.link(self, told: event) }
    }

    func connection(_ connection: RedisConnection, subscribedTo channel: String) {
        if connection === self.connection { owner?.link(self, subscribedTo: channel) }
    }

    func connection(_ connection: RedisConnection, refused command: PendingCommand, _ error: RedisError) -> Bool {
        owner?.link(self, refused: command, error) ?? false
    }

    // MARK: Closing

    /// - Parameter closed: Called when the socket is closed.
    func close(_ closed: @escaping @Sendable () -> Void) {
        state = .closed
        pause?.cancel()
        fail(waiting.takeAll())
        guard let connection else { return closed() }
        connection.end(RedisError(.connectionLost, "the Redis client was closed"))
        connection.whenClosed(closed)
    }
}
