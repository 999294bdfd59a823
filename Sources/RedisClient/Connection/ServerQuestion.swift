import NIOCore

/// One command to one server over a separate connection. Lives on the event loop.
final class ServerQuestion: RedisConnectionOwner {
    private let words: [RedisWord]
    private let context: RedisContext
    private var connection: RedisConnection?
    private var done: ((Result<RedisValue, RedisError>) -> Void)?

    init(
        _ words: [RedisWord], to address: RedisConfiguration.Address, _ plan: RedisHandshake.Plan, _ context: RedisContext,
        done: @escaping (Result<RedisValue, RedisError>) -> Void
    ) {
        self.words = words
        self.context = context
        self.done = done
        connection = RedisConnection(to: address, plan, context, owner: self)
    }

    func start() { connection?.start() }

    /// Ends it without a result.
    func end() {
        done = nil
        finish(.failure(RedisError(.closed, "no longer asked")))
    }

    private func finish(_ result: Result<RedisValue, RedisError>) {
        let done = done
        self.done = nil
        let connection = connection
        self.connection = nil
        connection?.end(RedisError(.connectionLost, "the question is answered"))
        done?(result)
    }

    func connectionIsReady(_ connection: RedisConnection) {
        connection.ask(words) { [weak self] result in self?.finish(result) }
    }

    func connectionEnded(_ connection: RedisConnection, _ error: RedisError) { finish(.failure(error)) }
    func connectionHealthChanged(_ connection: RedisConnection) {}
    func connection(_ connection: RedisConnection, told event: RedisEvent) {}
    func connection(_ connection: RedisConnection, subscribedTo channel: String) {}
    func connection(_ connection: RedisConnection, refused command: PendingCommand, _ error: RedisError) -> Bool { false }
}
