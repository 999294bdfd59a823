/// Three masters without replicas: each has a third of the slots, and goes on when another is gone.
package struct RedisCluster: Sendable {
    private static let slots = 16_384

    package let servers: [RedisServer]

    /// Returns once every server knows where every slot is.
    ///
    /// - Parameter nodeTimeout: Milliseconds after which the others hold a silent server for gone.
    package static func start(nodeTimeout: Int = 1_000) async throws -> RedisCluster {
        var servers: [RedisServer] = []
        var buses: [Int] = []
        for _ in 1...3 {
            let bus = try await FreePort.next()
            buses.append(bus)
            servers.append(
                try await RedisServer.start(
                    RedisServer.evicting + [
                        "--cluster-enabled", "yes", "--cluster-node-timeout", "\(nodeTimeout)", "--cluster-require-full-coverage", "no",
                        "--cluster-port", "\(bus)",
                    ]))
        }
        let cluster = RedisCluster(servers: servers)
        for (number, server) in servers.enumerated() {
            let range = cluster.slots(of: number)
            try await server.ask("CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            try await server.ask("CLUSTER", "ADDSLOTSRANGE", "\(range.lowerBound)", "\(range.upperBound - 1)")
        }
        for (server, bus) in zip(servers, buses).dropFirst() {
            try await servers[0].ask("CLUSTER", "MEET", "127.0.0.1", "\(server.port)", "\(bus)")
        }
        for server in servers {
            try await eventually("the cluster stands") {
                let info = try await server.lines("CLUSTER", "INFO")
                return info["cluster_state"] == "ok" && info["cluster_known_nodes"] == "3" && info["cluster_slots_ok"] == "\(Self.slots)"
            }
        }
        return cluster
    }

    package var url: String { "redis+cluster://\(servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))" }

    /// The number of the server that has the keys of a pool.
    package func server(of pool: String) async throws -> Int {
        try await eventually("a server has the slot of \(pool)") {
            let slot = Int(try await servers[0].ask("CLUSTER", "KEYSLOT", "{\(pool)}"))
            return servers.indices.first { number in slot.map(slots(of: number).contains) == true }
        }
    }

    private func slots(of number: Int) -> Range<Int> {
        (Self.slots * number / 3)..<(Self.slots * (number + 1) / 3)
    }
}
