import TestServers
import Testing

extension EndToEndNodes {
    /// A master, a replica, and sentinels.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(2)))
    struct RedisSentinelTests {
        private static let hot = ["/hot-1.bin", "/hot-2.bin"]

        /// How another server becomes the master.
        enum Change: Sendable, CaseIterable {
            /// The old master is gone.
            case killed
            /// Planned: the old master lives on as a replica, and refuses writes.
            case switched
        }

        /// The sentinels make it a replica once it has called itself a master for eight seconds longer (SENTINEL_PUBLISH_PERIOD, four times).
        private func becomesReadOnly(_ master: RedisServer) async throws {
            try await eventually("the old master is a replica that refuses writes", within: .seconds(60)) {
                do {
                    try await master.ask("SET", "a", "1")
                    return false
                } catch let refusal as ChildProcess.Failure {
                    return refusal.description.contains("READONLY")
                }
            }
        }

        @Test(
            "Another server becomes the master: hot artifacts never stop, and a cold one is copied soon afterwards",
            arguments: Change.allCases)
        func failOver(change: Change) async throws {
            let redis = try await RedisSentinels.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let gate = FakeGate()
                let slow = fleet.publish("/slow.bin")
                fleet.origin.on("/slow.bin", slow.with { $0.gate = gate })
                let master = try await redis.master()
                let (recovery, seen) = try await fleet.withTraffic(on: Self.hot) {
                    async let waiting = fleet.ask("/slow.bin", of: 0)
                    try await fleet.frontEnds[0].waiting(1)
                    try await gate.isReached()
                    switch change {
                    case .killed: try await master.end()
                    case .switched: try await redis.sentinels[0].ask("SENTINEL", "FAILOVER", RedisSentinels.name)
                    }
                    fleet.publish("/meanwhile.bin")
                    try await eventually("there is another master", within: .seconds(20)) {
                        _ = try await fleet.ask("/meanwhile.bin", of: 1, wait: 0)
                        return try await redis.master().port != master.port
                    }
                    let began = ContinuousClock.now
                    for number in fleet.frontEnds.indices {
                        fleet.publish("/cold-\(number).bin")
                        try await fleet.askUntilInPool("/cold-\(number).bin", of: number, within: .seconds(8))
                    }
                    let recovery = began.duration(to: .now)
                    gate.open()
                    // To the pool or to the origin: both will do.
                    _ = try await waiting
                    if change == .switched { try await becomesReadOnly(master) }
                    return recovery
                }
                #expect(recovery < .seconds(6))
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.slowest < .seconds(1))
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.askUntilInPool("/meanwhile.bin", of: 0, within: .seconds(8))
                try await fleet.expect(try await fleet.askUntilInPool("/slow.bin", of: 1, within: .seconds(8)), is: slow)
                // The new master is who tells of changes now.
                #expect(try await fleet.purge(Self.hot[0], by: 1).status == 204)
                try await eventually("front end 0 knows of the purge", within: .seconds(5)) {
                    try await fleet.ask(Self.hot[0], of: 0, wait: 0).isHit ? nil : ()
                }
                try await fleet.ready()
                try await fleet.settles()
            }
        }
    }
}
