import NIOHTTP1
import TestServers
import Testing

extension EndToEndNodes {
    /// Redis goes away, forgets, or is full: it is a cache, and clients do not notice.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(2)))
    struct RedisOutageTests {
        private static let hot = ["/hot-1.bin", "/hot-2.bin", "/hot-3.bin"]

        /// New artifacts are redirected to their origin, soon, and every process says that it lives.
        private func expectFallbacks(_ fleet: Fleet, _ name: String) async throws {
            for number in fleet.frontEnds.indices {
                fleet.publish("/\(name)-\(number).bin")
                let seen = try await fleet.ask("/\(name)-\(number).bin", of: number)
                #expect(seen.target == .origin, "\(seen.path)")
                #expect(seen.took < .seconds(1), "\(seen.path)")
            }
            for node in fleet.frontEnds + fleet.copiers { #expect(try await node.send(.GET, "/healthz").status == 200) }
        }

        @Test("Redis is killed and comes back empty: hot artifacts never stop, others fall back at once, and nothing is copied again")
        func killed() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                let (recovery, seen) = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    try await redis.end()
                    try await expectFallbacks(fleet, "down")
                    try await fleet.ready("degraded")
                    for number in fleet.frontEnds.indices { #expect(try await fleet.readiness(of: number).code == 200) }
                    try await expectFallbacks(fleet, "still-down")
                    #expect(try await waiting.target == .origin)
                    try await redis.start()
                    let began = ContinuousClock.now
                    for number in fleet.frontEnds.indices {
                        fleet.publish("/up-\(number).bin")
                        try await fleet.askUntilInPool("/up-\(number).bin", of: number, within: .seconds(5))
                    }
                    return began.duration(to: .now)
                }
                #expect(recovery < .seconds(4))
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.slowest < .seconds(1))
                try await fleet.ready()
                for path in Self.hot {
                    for number in fleet.frontEnds.indices { #expect(try await fleet.ask(path, of: number).target == .pool) }
                    #expect(fleet.fetches(path) == 1)
                    #expect(try await fleet.replica(path)?.state == "present")
                }
                gate.open()
                for (path, number) in [("/slow.bin", 0), ("/down-0.bin", 1), ("/still-down-1.bin", 0)] {
                    try await fleet.askUntilInPool(path, of: number, within: .seconds(8))
                }
                try await fleet.expect(try await fleet.ask("/slow.bin", of: 1), is: slow)
                try await fleet.settles()
            }
        }

        @Test("Redis stands still for ten seconds: hot artifacts never stop, others fall back at once, and afterwards all is as before")
        func paused() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    redis.send(.suspend)
                    let end = ContinuousClock.now + .seconds(10)
                    var round = 0
                    while ContinuousClock.now < end {
                        round += 1
                        try await expectFallbacks(fleet, "paused-\(round)")
                        // The copy is done while nobody can be told.
                        if round == 2 { gate.open() }
                        // The pace of clients, not a wait for something.
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    #expect(try await waiting.target == .origin)
                    try await fleet.ready("degraded")
                    for number in fleet.frontEnds.indices { #expect(try await fleet.readiness(of: number).code == 200) }
                    redis.send(.resume)
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool("/paused-1-\(number).bin", of: number, within: .seconds(5))
                    }
                }
                #expect(seen.count { !$0.isHit } == 0)
                #expect(seen.slowest < .seconds(1))
                try await fleet.ready()
                for path in Self.hot {
                    #expect(fleet.fetches(path) == 1)
                    #expect(try await fleet.replica(path)?.state == "present")
                }
                try await fleet.expect(try await fleet.askUntilInPool("/slow.bin", of: 1, within: .seconds(8)), is: slow)
                try await fleet.settles()
            }
        }

        @Test("Redis takes no writes because it is a replica now: clients do not notice, and copies are made once it is a master again")
        func readOnly() async throws {
            // A master waits five seconds for further replicas before it sends its data, unless it is told not to.
            let options = RedisServer.evicting + ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]
            let redis = try await RedisServer.start(options)
            let other = try await RedisServer.start(options)
            func follow(_ follower: RedisServer, _ master: RedisServer) async throws {
                try await follower.ask("REPLICAOF", "127.0.0.1", "\(master.port)")
                try await eventually("it follows") { try await follower.lines("INFO", "replication")["master_link_status"] == "up" }
            }
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    try await follow(other, redis)
                    // What is written to one alone would make it fetch all data anew, and tell everybody to forget.
                    try await redis.ask("CLIENT", "PAUSE", "60000", "WRITE")
                    try await eventually("both have the same") {
                        let offset = try await redis.lines("INFO", "replication")["master_repl_offset"]
                        return try await other.lines("INFO", "replication")["master_repl_offset"] == offset
                    }
                    try await other.ask("REPLICAOF", "NO", "ONE")
                    try await follow(redis, other)
                    #expect(try await other.lines("INFO", "stats")["sync_partial_ok"] == "1")
                    try await redis.ask("CLIENT", "UNPAUSE")
                    let refusal = await #expect(throws: ChildProcess.Failure.self) { try await redis.ask("SET", "a", "1") }
                    #expect(refusal?.description.contains("READONLY") == true)
                    for round in 1...10 { try await expectFallbacks(fleet, "read-only-\(round)") }
                    try await fleet.ready("degraded")
                    try await redis.ask("REPLICAOF", "NO", "ONE")
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool("/read-only-1-\(number).bin", of: number, within: .seconds(5))
                    }
                }
                #expect(seen.count { $0.target != .pool } == 0)
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.ready()
                try await fleet.settles()
            }
        }

        @Test("FLUSHALL in the middle of traffic: everything is found in the pool again, nothing is copied twice, and purges work")
        func flushed() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    for _ in 1...3 {
                        try await redis.ask("FLUSHALL")
                        for path in Self.hot {
                            try await eventually("\(path) is known again", within: .seconds(5)) {
                                try await fleet.replica(path)?.state == "present"
                            }
                        }
                    }
                    fleet.publish("/new.bin")
                    #expect(try await fleet.ask("/new.bin", of: 0).target == .pool)
                }
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.contains { $0.answer.outcome == "backfill" })
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.settles()

                let gone = Self.hot[0]
                #expect(try await fleet.purge(gone, by: 1).status == 204)
                #expect(try await fleet.replica(gone) == nil)
                #expect(try await !fleet.isStored(gone))
                try await eventually("front end 0 knows that it is gone", within: .seconds(1)) {
                    try await fleet.ask(gone, of: 0).isHit ? nil : ()
                }
                try await fleet.askUntilInPool(gone, of: 0, within: .seconds(3))
                #expect(fleet.fetches(gone) == 2)
                try await fleet.settles()
            }
        }

        @Test("FLUSHALL in the middle of a copy: who waits is answered, and the copy is made when somebody asks again")
        func flushedDuringCopy() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/a.bin")
                fleet.origin.on("/a.bin", behavior.with { $0.gate = gate })
                async let waiting = fleet.ask("/a.bin", of: 0)
                try await fleet.frontEnds[0].waiting(1)
                try await gate.isReached()
                try await redis.ask("FLUSHALL")
                #expect(try await waiting.target == .origin)
                gate.open()
                let seen = try await fleet.askUntilInPool("/a.bin", of: 1, within: .seconds(6))
                try await fleet.expect(seen, is: behavior)
                try await fleet.settles()
            }
        }

        @Test(
            "Redis has no memory left: clients fall back, nothing fails, and copies are made once there is some", arguments: [false, true])
        func outOfMemory(evicts: Bool) async throws {
            let redis = try await RedisServer.start(RedisServer.evicting + ["--maxmemory-policy", evicts ? "volatile-lru" : "noeviction"])
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                let (_, seen) = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    try await redis.ask("CONFIG", "SET", "maxmemory", "1")
                    try await expectFallbacks(fleet, "full")
                    gate.open()
                    // To the pool or to the origin: both will do.
                    _ = try await waiting
                    try await expectFallbacks(fleet, "still-full")
                    try await redis.ask("CONFIG", "SET", "maxmemory", "256mb")
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool("/full-\(number).bin", of: number, within: .seconds(5))
                    }
                }
                // What was evicted cannot be recorded again until there is memory.
                if !evicts { #expect(seen.count { $0.target != .pool } == 0) }
                for path in Self.hot {
                    for number in fleet.frontEnds.indices {
                        try await fleet.askUntilInPool(path, of: number, within: .seconds(3))
                    }
                    #expect(fleet.fetches(path) == 1)
                }
                try await fleet.expect(try await fleet.askUntilInPool("/slow.bin", of: 1, within: .seconds(8)), is: slow)
                // The server evicts without a word, so totals are right again only after the next sweep.
                try await fleet.settles(countsTotals: !evicts)
            }
        }
    }
}
