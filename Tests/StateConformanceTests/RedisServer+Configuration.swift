import RedisClient
import TestServers

extension RedisServer {
    var configuration: RedisConfiguration {
        RedisConfiguration(addresses: [.init(host: "127.0.0.1", port: port)]).patient
    }
}

extension RedisCluster {
    var configuration: RedisConfiguration {
        RedisConfiguration(topology: .cluster, addresses: servers.map { .init(host: "127.0.0.1", port: $0.port) }).patient
    }
}

extension RedisConfiguration {
    /// With time-outs for machines that are busy with other tests.
    fileprivate var patient: RedisConfiguration {
        var configuration = self
        configuration.connectTimeout = .seconds(60)
        configuration.commandTimeout = .seconds(60)
        configuration.stallTimeout = .seconds(60)
        configuration.connectionWait = .seconds(60)
        return configuration
    }
}
