import Logging
import NIOCore
import NIOPosix
import TestServers

@testable import RedisClient

extension RedisDatabase {
    /// A client that is connected, for as long as `body` runs.
    static func with<Value: Sendable>(
        _ configuration: RedisConfiguration, connects: Bool = true,
        _ body: (_ database: RedisDatabase, _ events: EventRecorder) async throws -> Value
    ) async throws -> Value {
        let events = EventRecorder()
        let database = RedisDatabase(
            configuration, group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            onEvent: { events.record($0) })
        do {
            if connects { await events.next("connected") }
            let value = try await body(database, events)
            await database.close()
            return value
        } catch {
            await database.close()
            throw error
        }
    }

    @discardableResult
    func run(_ words: String...) async throws -> RedisValue {
        try await execute(RedisCommand(words.map { .text($0) }, key: words.count > 1 ? words[1] : nil))
    }
}

extension RedisConfiguration {
    /// With time-outs that only a broken client or server meets, however busy the machine is. Who is refused at once does not wait for them.
    static func testing(_ address: Address, topology: Topology = .single, change: (inout RedisConfiguration) -> Void = { _ in }) -> Self {
        var configuration = RedisConfiguration(topology: topology, addresses: [address])
        configuration.commandTimeout = .seconds(60)
        configuration.stallTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        change(&configuration)
        return configuration
    }
}

extension RedisServer {
    var address: RedisConfiguration.Address { RedisConfiguration.Address(host: "127.0.0.1", port: port) }
}
