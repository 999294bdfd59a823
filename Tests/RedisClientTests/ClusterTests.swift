import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import RedisClient

extension ServerTests {
    @Suite("Cluster")
    struct Cluster {
        /// Commands that waited for their time-out would take longer than a test may.
        @Test("Commands go to the server that has their slot, also while it moves; a lost server's slots fail alone")
        func cluster() async throws {
            // Nobody is to hold a server for gone that is only slow.
            let redis = try await RedisCluster.start(nodeTimeout: 15_000)
            // A channel in the middle third, so that its server is not the one that is asked first.
            let channel = "news{\(HashSlot.key(in: 8_000))}"
            let configuration = RedisConfiguration.testing(redis.servers[0].address, topology: .cluster) { configuration in
                configuration.channels = [channel]
            }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await eventually("it is connected") { database.isConnected }

                // Routed, in batches to all three.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<1_000 {
                        group.addTask { try await database.run("SET", "key\(number)", "\(number)") }
                    }
                    try await group.waitForAll()
                }
                for number in [0, 499, 999] { #expect(try await database.run("GET", "key\(number)").string == "\(number)") }
                var counts: [Int64] = []
                for server in redis.servers {
                    try await RedisDatabase.with(.testing(server.address)) { one, _ async throws in
                        counts.append(try await one.run("DBSIZE").integer ?? 0)
                    }
                }
                #expect(counts.reduce(0, +) == 1_000 && counts.allSatisfy { $0 > 200 }, "\(counts)")
                let script = RedisScript("return redis.call('INCR', KEYS[1])")
                for key in ["a", "b", "c", "d", "e"] { #expect(try await database.evaluate(script, keys: [key]).integer == Int64(1)) }

                // A message once, whichever server it is published on; tracked keys of every server.
                try await RedisDatabase.with(.testing(redis.servers[2].address)) { other, _ async throws in
                    try await other.run("PUBLISH", channel, "hello")
                    await events.next("message \(channel) hello")
                }
                for number in 0..<20 {
                    _ = try await database.execute(RedisCommand("GET", key: "key\(number)"), isTracked: true)
                }
                try await RedisDatabase.with(configuration) { other, _ async throws in
                    try await eventually("it is connected") { other.isConnected }
                    for number in 0..<20 {
                        try await other.run("SET", "key\(number)", "new")
                        #expect(await events.next() == "invalidated key\(number)")
                    }
                }

                // A slot moves from the first server to the second while its keys are read and written.
                let tag = HashSlot.key(in: 10)
                let slot = "\(HashSlot.of(tag))"
                let keys = (0..<50).map { "{\(tag)}\($0)" }
                for key in keys { try await database.run("SET", key, "0") }
                let (from, to) = (redis.servers[0], redis.servers[1])
                let ids = [try await from.ask("CLUSTER", "MYID"), try await to.ask("CLUSTER", "MYID")]
                try await RedisDatabase.with(.testing(from.address)) { source, _ async throws in
                    try await RedisDatabase.with(.testing(to.address)) { target, _ async throws in
                        try await target.run("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
                        try await source.run("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
                        for (number, key) in keys.enumerated() {
                            try await source.run("MIGRATE", "127.0.0.1", "\(to.port)", key, "0", "30000")
                            // This one is asked for (ASK), the next one is where it was.
                            #expect(try await database.run("INCR", key).integer == Int64(1))
                            if number + 1 < keys.count { #expect(try await database.run("GET", keys[number + 1]).string == "0") }
                        }
                        #expect(try await database.evaluate(script, keys: [keys[0]]).integer == Int64(2))
                        try await target.run("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
                        try await source.run("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
                        // MOVED, and then known.
                        for key in keys { #expect(try await database.run("INCR", key).integer ?? 0 >= 2) }
                        #expect(try await target.run("CLUSTER", "COUNTKEYSINSLOT", slot).integer == Int64(50))
                    }
                }

                // The third server is lost: what it had fails, the rest does not.
                let lost = HashSlot.key(in: 16_000)
                let kept = HashSlot.key(in: 20)
                try await database.run("SET", lost, "1")
                try await redis.servers[2].end(.kill)
                await events.next("disconnected")
                for _ in 0..<20 {
                    let error = await #expect(throws: RedisError.self) { try await database.run("GET", lost) }
                    #expect(error?.code == .notConnected || error?.code == .connectionLost)
                    #expect(try await database.run("SET", kept, "1").string == "OK")
                }
                #expect(!database.isConnected)
            }
        }

        @Test("A server that is no cluster is told, and commands fail at once")
        func noCluster() async throws {
            let server = try await RedisServer.start()
            let log = LogRecorder()
            let database = RedisDatabase(
                .testing(server.address, topology: .cluster), group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            #expect(await log.next().contains("cluster support disabled"))
            let error = await #expect(throws: RedisError.self) { try await database.run("GET", "key") }
            #expect(error?.code == .notConnected)
            await database.close()
        }
    }
}

extension HashSlot {
    /// A key of a slot.
    fileprivate static func key(in slot: Int) -> String {
        var number = 0
        while of("k\(number)") != slot { number += 1 }
        return "k\(number)"
    }
}
