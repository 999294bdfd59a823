import TestServers
import Testing

extension EndToEndNodes {
    /// Pools are spread over the servers of a cluster, each in one slot.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(2)))
    struct RedisClusterTests {
        private static let pool = "s3/one"
        private static let hot = ["/hot-1.bin", "/hot-2.bin"]

        /// A purge on one front end is seen on the other, and the artifact is copied again.
        private func expectPurge(_ fleet: Fleet, _ path: String) async throws {
            #expect(try await fleet.purge(path, by: 1).status == 204)
            try await eventually("front end 0 knows of the purge of \(path)", within: .seconds(5)) {
                try await fleet.ask(path, of: 0, wait: 0).isHit ? nil : ()
            }
            for number in fleet.frontEnds.indices {
                try await fleet.askUntilInPool(path, of: number, within: .seconds(8))
            }
            #expect(fleet.fetches(path) == 2, "\(path)")
        }

        @Test("When one server is gone, the pools of the others go on, and its own when it is back")
        func oneGone() async throws {
            let redis = try await RedisCluster.start()
            var poolOfServer: [Int: String] = [:]
            for name in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"] {
                poolOfServer[try await redis.server(of: "s3/\(name)")] = "s3/\(name)"
            }
            let servers = poolOfServer.keys.sorted()
            try #require(servers.count > 1)
            let (kept, lost) = (try #require(poolOfServer[servers[0]]), try #require(poolOfServer[servers[1]]))
            var settings = FleetSettings()
            settings.pools = [kept, lost]
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                try await fleet.makeHot(["/kept.bin"], in: kept)
                try await fleet.makeHot(["/lost.bin"], in: lost)
                let (_, seenOfKept) = try await fleet.withTraffic(on: ["/kept.bin"], of: [1], in: kept) {
                    let (_, seenOfLost) = try await fleet.withTraffic(on: ["/lost.bin"], of: [0], in: lost) {
                        try await redis.servers[servers[1]].end()
                        for number in fleet.frontEnds.indices {
                            fleet.publish("/down-\(number).bin")
                            let cold = try await fleet.ask("/down-\(number).bin", of: number, in: lost)
                            #expect(cold.target == .origin)
                            #expect(cold.took < .seconds(1))
                            try await fleet.askUntilInPool("/down-\(number).bin", of: number, in: kept, within: .seconds(5))
                        }
                        // A server of a cluster that is back takes no commands for two seconds (CLUSTER_WRITABLE_DELAY). What is hot goes
                        // on from memory until it does.
                        try await redis.servers[servers[1]].start()
                        for number in fleet.frontEnds.indices {
                            try await fleet.askUntilInPool("/down-\(number).bin", of: number, in: lost, within: .seconds(10))
                        }
                    }
                    #expect(seenOfLost.count { $0.target != .pool } == 0)
                    #expect(seenOfLost.slowest < .seconds(1))
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool("/lost.bin", of: number, in: lost, within: .seconds(10))
                    }
                }
                #expect(seenOfKept.count { $0.target != .pool } == 0)
                #expect(seenOfKept.slowest < .seconds(1))
                #expect(fleet.fetches("/kept.bin") == 1)
                #expect(fleet.fetches("/lost.bin") == 1)
                try await fleet.ready(within: .seconds(10))
                try await fleet.settles()
            }
        }

        @Test("A master is killed and the cluster promotes its replica: hot artifacts never stop, others fall back until then")
        func promoted() async throws {
            // Long enough for a machine with other things to do, so that nobody is promoted who should not be.
            let redis = try await RedisCluster.start(nodeTimeout: 2_000, withReplicaFor: Self.pool)
            let master = redis.servers[try await redis.server(of: Self.pool)]
            let replica = try #require(redis.replica)
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    let written = Int(try await master.lines("INFO", "replication")["master_repl_offset"] ?? "") ?? .max
                    try await eventually("the replica has what its master has") {
                        let read = Int(try await replica.lines("INFO", "replication")["slave_repl_offset"] ?? "") ?? 0
                        return read >= written
                    }
                    try await master.end()
                    for number in fleet.frontEnds.indices {
                        fleet.publish("/down-\(number).bin")
                        let cold = try await fleet.ask("/down-\(number).bin", of: number)
                        #expect(cold.target == .origin)
                        #expect(cold.took < .seconds(1))
                    }
                    var round = 0
                    try await eventually("the replica is promoted", within: .seconds(30)) {
                        round += 1
                        fleet.publish("/meanwhile-\(round).bin")
                        let cold = try await fleet.ask("/meanwhile-\(round).bin", of: round % 2, wait: 0)
                        #expect(cold.took < .seconds(1))
                        return try await replica.lines("INFO", "replication")["role"] == "master"
                    }
                    gate.open()
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool("/down-\(number).bin", of: number, within: .seconds(15))
                    }
                    // To the pool or to the origin: both will do.
                    _ = try await waiting
                }
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.slowest < .seconds(1))
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.expect(try await fleet.askUntilInPool("/slow.bin", of: 1, within: .seconds(8)), is: slow)
                try await fleet.ready(within: .seconds(15))
                try await expectPurge(fleet, Self.hot[0])
                try await fleet.settles()
            }
        }

        @Test(
            "The slot of a pool moves to another server: no client fails, copies go on, and purges are seen, also when the old one is gone",
            arguments: [true, false])
        func moved(isTracking: Bool) async throws {
            // Where the servers do not tell which keys change, only the channel of the pool tells of a purge.
            let user = ["--user", "default", "on", "nopass", "~*", "&*", "+@all"]
            let redis = try await RedisCluster.start(options: isTracking ? [] : user + ["-client|tracking"])
            let old = try await redis.server(of: Self.pool)
            let new = (old + 1) % redis.servers.count
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot + ["/purged.bin", "/purged-later.bin"])
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                // What is asked for while its key is on the way may be redirected to the origin; that nobody sees an error `ask` looks after.
                _ = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    try await redis.move(Self.pool, from: old, to: new)
                    gate.open()
                    for number in fleet.frontEnds.indices {
                        fleet.publish("/moved-\(number).bin")
                        try await fleet.askUntilInPool("/moved-\(number).bin", of: number, within: .seconds(8))
                        for path in Self.hot { try await fleet.askUntilInPool(path, of: number, within: .seconds(8)) }
                    }
                    // To the pool or to the origin: both will do.
                    _ = try await waiting
                }
                try await fleet.expect(try await fleet.askUntilInPool("/slow.bin", of: 1, within: .seconds(8)), is: slow)
                for number in fleet.frontEnds.indices {
                    try await fleet.askUntilInPool("/purged-later.bin", of: number, within: .seconds(8))
                }
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    try await expectPurge(fleet, "/purged.bin")
                    // It told of the pool's changes before, and may still: in a cluster every server hears of every message.
                    try await redis.servers[old].end()
                    try await expectPurge(fleet, "/purged-later.bin")
                    try await redis.servers[old].start()
                    try await fleet.ready(within: .seconds(20))
                }
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.slowest < .seconds(1))
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.settles()
            }
        }
    }
}
