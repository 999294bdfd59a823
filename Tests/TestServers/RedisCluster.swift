/// Three masters: each has a third of the slots, and goes on when another is gone. One of them may have a replica.
package struct RedisCluster: Sendable {
    private static let slots = 16_384

    /// The masters, as it begins.
    package let servers: [RedisServer]
    /// Of the master that was asked for.
    package let replica: RedisServer?

    /// Returns once every server knows where every slot is, and the replica has what its master has.
    ///
    /// - Parameters:
    ///   - nodeTimeout: Milliseconds after which the others hold a silent server for gone.
    ///   - pool: One whose server gets a replica.
    ///   - options: Of every server, beside those of a cluster.
    package static func start(
        nodeTimeout: Int = 1_000, withReplicaFor pool: String? = nil, options: [String] = []
    ) async throws -> RedisCluster {
        var started: [RedisServer] = []
        for _ in 1...(pool == nil ? 3 : 4) {
            started.append(
                try await RedisServer.start(
                    RedisServer.evicting + [
                        "--cluster-enabled", "yes", "--cluster-node-timeout", "\(nodeTimeout)", "--cluster-require-full-coverage", "no",
                        "--cluster-port", "\(try await FreePort.next())",
                        // A replica waits five seconds for others that want the same snapshot, unless it is told not to.
                        "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0",
                    ] + options))
        }
        let cluster = RedisCluster(servers: Array(started.prefix(3)), replica: pool == nil ? nil : started[3])
        for (number, server) in cluster.servers.enumerated() {
            let range = slots(of: number)
            try await server.ask("CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            try await server.ask("CLUSTER", "ADDSLOTSRANGE", "\(range.lowerBound)", "\(range.upperBound - 1)")
        }
        for server in started.dropFirst() {
            let bus = try await server.pairs("CONFIG", "GET", "cluster-port")["cluster-port"] ?? ""
            try await started[0].ask("CLUSTER", "MEET", "127.0.0.1", "\(server.port)", bus)
        }
        for server in started {
            try await eventually("the cluster stands") {
                let info = try await server.lines("CLUSTER", "INFO")
                return info["cluster_state"] == "ok" && info["cluster_known_nodes"] == "\(started.count)"
                    && info["cluster_slots_ok"] == "\(slots)"
            }
        }
        if let pool, let replica = cluster.replica { try await cluster.attach(replica, to: try await cluster.server(of: pool)) }
        return cluster
    }

    private func attach(_ replica: RedisServer, to number: Int) async throws {
        let id = try await servers[number].ask("CLUSTER", "MYID")
        try await eventually("the replica knows its master") { (try? await replica.ask("CLUSTER", "REPLICATE", id)) == "OK" }
        try await eventually("the replica follows its master") {
            try await replica.lines("INFO", "replication")["master_link_status"] == "up"
        }
        for server in servers {
            try await eventually("every server knows the replica") {
                try await server.ask("CLUSTER", "REPLICAS", id).contains(":\(replica.port)@")
            }
        }
    }

    package var url: String { "redis+cluster://\(servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))" }

    /// The number of the server that has the keys of a pool, as the cluster begins.
    package func server(of pool: String) async throws -> Int {
        try await eventually("a server has the slot of \(pool)") {
            let slot = Int(try await slot(of: pool))
            return servers.indices.first { number in slot.map(Self.slots(of: number).contains) == true }
        }
    }

    /// Moves the slot of a pool to another server as `redis-cli --cluster reshard` does, a few keys at a time.
    package func move(_ pool: String, from source: Int, to target: Int) async throws {
        let slot = try await slot(of: pool)
        var ids: [String] = []
        for server in servers { ids.append(try await server.ask("CLUSTER", "MYID")) }
        try await servers[target].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        try await servers[source].ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        while true {
            let keys = try await servers[source].ask("CLUSTER", "GETKEYSINSLOT", slot, "5").split(separator: "\n").map(String.init)
            if keys.isEmpty { break }
            try await servers[source].ask(["MIGRATE", "127.0.0.1", "\(servers[target].port)", "", "0", "5000", "KEYS"] + keys)
        }
        // Who gets it is the first to know, so that there is always somebody who has it.
        for number in [target, source] + servers.indices.filter({ $0 != target && $0 != source }) {
            try await servers[number].ask("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        }
    }

    private func slot(of pool: String) async throws -> String {
        try await servers[0].ask("CLUSTER", "KEYSLOT", "{\(pool)}")
    }

    private static func slots(of number: Int) -> Range<Int> {
        (slots * number / 3)..<(slots * (number + 1) / 3)
    }
}
