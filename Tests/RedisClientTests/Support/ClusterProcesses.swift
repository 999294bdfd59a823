import NIOCore
import Testing

@testable import RedisClient

/// A cluster of masters, each with as many slots.
struct ClusterProcesses {
    let all: [RedisProcess]

    init(count: Int) async throws {
        var all: [RedisProcess] = []
        for _ in 0..<count {
            all.append(
                try await RedisProcess.start([
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no",
                ]))
        }
        self.all = all
        try await RedisProcess.run(
            "redis-cli", ["--cluster", "create"] + all.map { "127.0.0.1:\($0.port)" } + ["--cluster-replicas", "0", "--cluster-yes"])
        for node in all {
            try await RedisDatabase.with(.testing(node.address)) { one, _ async throws in
                try await eventually {
                    let info = try await one.run("CLUSTER", "INFO").string ?? ""
                    return info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
                }
            }
        }
    }

    /// In the order of `all`.
    func ids() async throws -> [String] {
        var ids: [String] = []
        for node in all {
            try await RedisDatabase.with(.testing(node.address)) { one, _ async throws in
                ids.append(try await one.run("CLUSTER", "MYID").string ?? "")
            }
        }
        return ids
    }

    /// A key of a slot.
    func key(in slot: Int) -> String {
        var number = 0
        while HashSlot.of("k\(number)") != slot { number += 1 }
        return "k\(number)"
    }

    func dispose() {
        for node in all { node.dispose() }
    }
}
