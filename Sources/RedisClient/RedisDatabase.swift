package import Logging
package import NIOCore

/// A Redis, of however many servers it is made: keeps connections to them, sends commands to the one that has their key, and makes good what
/// a fail-over, a moved slot or a lost script breaks.
///
/// Commands of all tasks share one connection to a server and are sent in batches (pipelining). Connections are sought again for as long as
/// the client is open, with growing pauses. Calls are not cut short when their task is cancelled; they end within the time-outs of the
/// configuration.
package final class RedisDatabase: Sendable {
    package typealias EventHandler = @Sendable (RedisEvent) -> Void

    /// Begins to connect, and does not wait for it.
    ///
    /// - Parameter onEvent: Called on the event loop: must be quick, and must not wait.
    package init(
        _ configuration: RedisConfiguration, group: any EventLoopGroup, logger: Logger = Logger(label: "cloud-mirror.redis"),
        onEvent: @escaping EventHandler = { _ in }
    ) {}

    /// Whether commands can be sent now: connected, to a cluster with all of its slots, and no answer is overdue.
    package var isConnected: Bool { false }

    /// - Parameter isTracked: Whether the server is to tell (``RedisEvent/invalidated(keys:)``) when the key that is read changes.
    package func execute(_ command: RedisCommand, isTracked: Bool = false) async throws(RedisError) -> RedisValue {
        throw RedisError(.notConnected, "not connected")
    }

    /// - Parameter keys: At least one; in a cluster all of one slot.
    package func evaluate(_ script: RedisScript, keys: [String], arguments: [RedisWord] = []) async throws(RedisError) -> RedisValue {
        throw RedisError(.notConnected, "not connected")
    }

    /// Closes the connections; commands under way and later ones throw.
    package func close() async {}
}
