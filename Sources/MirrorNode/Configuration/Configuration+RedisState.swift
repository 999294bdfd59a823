import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore
import RedisClient
import StateRedis

extension Configuration.Redis {
    /// Opens the shared state without waiting for its servers.
    func openState(_ configuration: Configuration, group: any EventLoopGroup, logger: Logger) -> RedisStateStore {
        RedisStateStore(
            client, prefix: prefix, pools: Set(configuration.pools.map(\.id)), maxQueued: configuration.copy.maxQueued,
            maxQueuedPerOrigin: configuration.copy.queuedPerOrigin, history: configuration.retention.history, staleLife: staleLife,
            group: group, logger: logger)
    }
}

extension StateError {
    /// The message, plus the configuration key that fixes the problem, which the Redis client does not know.
    var messageWithRemedy: String {
        guard message.contains(ConnectionFailure.untrusted) else { return message }
        return "\(message): set state.redis.certificateAuthority to a file with the authority's certificate"
    }
}
