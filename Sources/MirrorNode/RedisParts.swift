import Logging
import MirrorSettings
import NIOCore
import NIOSSL
import RedisClient
import StateRedis

/// From the configuration to the state that many processes share.
enum RedisParts {
    static func openState(
        _ redis: Configuration.Redis, _ configuration: Configuration, group: any EventLoopGroup, logger: Logger
    ) throws(StartError) -> RedisStateStore {
        RedisStateStore(
            try client(redis), prefix: redis.prefix, pools: Set(configuration.pools.map(\.id)), maxQueued: configuration.copy.maxQueued,
            maxQueuedPerOrigin: configuration.maxQueuedPerOrigin, staleLife: redis.staleLife, group: group, logger: logger)
    }

    /// Names the key of the configuration that mends it, which Redis' client does not know.
    static func withRemedy(_ message: String) -> String {
        guard message.contains(ConnectionFailure.untrusted) else { return message }
        return "\(message): set state.redis.certificateAuthority to a file with the authority's certificate"
    }

    static func client(_ redis: Configuration.Redis) throws(StartError) -> RedisConfiguration {
        var client: RedisConfiguration
        do throws(RedisURLError) {
            client = try RedisConfiguration(url: redis.url.value)
        } catch {
            throw StartError("state.redis.url: its value is not a Redis URL: \(error)")
        }
        if let password = redis.password { client.password = password.value }
        if let password = redis.sentinelPassword { client.sentinelPassword = password.value }
        client.commandTimeout = redis.timeout
        client.connectionWait = redis.timeout
        if let authority = redis.authority {
            guard client.tls != nil else {
                throw StartError("state.redis.certificateAuthority is set, but the URL does not use TLS: write rediss://")
            }
            do {
                client.tls?.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
            } catch {
                throw StartError("state.redis.certificateAuthority: \(authority) cannot be read as PEM")
            }
        }
        return client
    }
}
