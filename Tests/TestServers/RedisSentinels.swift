/// A master, a replica, and three sentinels that watch them.
package struct RedisSentinels: Sendable {
    package static let name = "mymaster"

    package let servers: [RedisServer]
    package let sentinels: [RedisServer]

    /// Returns once the sentinels know each other and could do a fail-over.
    package static func start() async throws -> RedisSentinels {
        // A replica waits five seconds for others that want the same snapshot, unless it is told not to.
        let options = RedisServer.evicting + ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]
        let master = try await RedisServer.start(options)
        let replica = try await RedisServer.start(options + ["--replicaof", "127.0.0.1 \(master.port)"])
        try await eventually("the replica follows its master") {
            try await replica.lines("INFO", "replication")["master_link_status"] == "up"
        }
        var sentinels: [RedisServer] = []
        for _ in 1...3 {
            sentinels.append(
                try await RedisServer.startSentinel(
                    """
                    sentinel monitor \(name) 127.0.0.1 \(master.port) 2
                    sentinel down-after-milliseconds \(name) 1000
                    sentinel failover-timeout \(name) 3000
                    sentinel parallel-syncs \(name) 1

                    """))
        }
        for sentinel in sentinels {
            try await eventually("the sentinels know each other and the replica") {
                let master = try await sentinel.pairs("SENTINEL", "MASTER", name)
                return master["num-other-sentinels"] == "2" && master["num-slaves"] == "1" && master["flags"] == "master"
            }
        }
        return RedisSentinels(servers: [master, replica], sentinels: sentinels)
    }

    package var url: String { "redis+sentinel://\(sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))/\(Self.name)" }

    /// The server that the sentinels name.
    package func master() async throws -> RedisServer {
        try await eventually("the sentinels name one of the servers") {
            let address = try await sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self.name)
            return servers.first { address.hasSuffix("\n\($0.port)") }
        }
    }
}
