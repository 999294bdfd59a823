import Testing

/// Three masters without replicas: each has a third of the slots, and goes on when another is gone.
struct RedisCluster: Sendable {
    private static let slots = 16_384

    let servers: [RedisServer]

    /// Returns once every server knows where every slot is.
    static func start() async throws -> RedisCluster {
        var servers: [RedisServer] = []
        for _ in 1...3 {
            servers.append(
                try await RedisServer.start([
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no",
                    "--cluster-port", "\(FreePort.next())",
                ]))
        }
        let cluster = RedisCluster(servers: servers)
        for (number, server) in servers.enumerated() {
            let range = cluster.slots(of: number)
            try await server.ask("CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            try await server.ask("CLUSTER", "ADDSLOTSRANGE", "\(range.lowerBound)", "\(range.upperBound - 1)")
        }
        for server in servers.dropFirst() {
            let bus = try await server.ask("CONFIG", "GET", "cluster-port").split(separator: "\n").last ?? ""
            try await servers[0].ask("CLUSTER", "MEET", "127.0.0.1", "\(server.port)", String(bus))
        }
        for server in servers {
            try await eventually("the cluster stands") {
                let info = try await server.lines("CLUSTER", "INFO")
                return info["cluster_state"] == "ok" && info["cluster_known_nodes"] == "3" && info["cluster_slots_ok"] == "\(Self.slots)"
                    ? () : nil
            }
        }
        return cluster
    }

    var url: String { "redis+cluster://\(servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))" }

    /// The number of the server that has the keys of a pool.
    func server(of pool: String) async throws -> Int {
        let slot = try #require(Int(try await servers[0].ask("CLUSTER", "KEYSLOT", "{\(pool)}")))
        return try #require(servers.indices.first { slots(of: $0).contains(slot) })
    }

    private func slots(of number: Int) -> Range<Int> {
        (Self.slots * number / 3)..<(Self.slots * (number + 1) / 3)
    }
}
