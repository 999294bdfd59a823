import Logging
import MirrorCore
import MirrorEngine
import MirrorSettings
import MirrorState
import NIOCore
import NIOSSL
import RedisClient
import StateRedis

extension Configuration.Redis {
    /// Opens the state that many processes share, without waiting for its servers.
    func openState(
        _ configuration: Configuration, group: any EventLoopGroup, logger: Logger
    ) throws(StartError) -> RedisStateStore {
        RedisStateStore(
            try client(), prefix: prefix, pools: Set(configuration.pools.map(\.id)), maxQueued: configuration.copy.maxQueued,
            maxQueuedPerOrigin: configuration.copy.queuedPerOrigin, staleLife: staleLife, group: group, logger: logger)
    }

    /// How its servers are reached.
    func client() throws(StartError) -> RedisConfiguration {
        var client: RedisConfiguration
        do throws(RedisURLError) {
            client = try RedisConfiguration(url: url.value)
        } catch {
            throw StartError("state.redis.url: its value is not a Redis URL: \(error)")
        }
        if let password { client.password = password.value }
        if let password = sentinelPassword { client.sentinelPassword = password.value }
        client.commandTimeout = timeout
        client.connectionWait = timeout
        if let authority = certificateAuthority {
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

extension StateError {
    /// The message, with the key of the configuration that mends it, which Redis' client does not know.
    var messageWithRemedy: String {
        guard message.contains(ConnectionFailure.untrusted) else { return message }
        return "\(message): set state.redis.certificateAuthority to a file with the authority's certificate"
    }
}
