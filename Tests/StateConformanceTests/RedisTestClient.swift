import NIOPosix
import RedisClient

/// For what the store would not do.
struct RedisTestClient: Sendable {
    private let redis: RedisDatabase

    init(_ configuration: RedisConfiguration) {
        redis = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton)
    }

    @discardableResult
    func ask(_ words: String...) async throws -> RedisValue { try await ask(words) }

    @discardableResult
    func ask(_ words: [String]) async throws -> RedisValue {
        try await redis.execute(RedisCommand(words.map { .text($0) }, key: nil))
    }

    func close() async { await redis.close() }
}
