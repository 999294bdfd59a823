import MirrorTesting
import TestServers
import Testing

extension EndToEnd {
    /// More than one Redis: Sentinel and Cluster.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(2)))
    struct RedisTopologyTests {
        private static let hot = ["/hot-1.bin", "/hot-2.bin"]

        /// How another server becomes the master.
        enum Change: Sendable, CaseIterable {
            /// The old master is gone.
            case killed
            /// The old master lives on as a replica, and refuses writes: `READONLY`.
            case switched
        }

        @Test(
            "Another server becomes the master: hot artifacts never stop, and a cold one is copied soon afterwards",
            arguments: Change.allCases)
        func failOver(change: Change) async throws {
            let redis = try await RedisSentinels.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                try await fleet.makeHot(Self.hot)
                let master = try await redis.master()
                let (recovery, seen) = try await fleet.withTraffic(on: Self.hot) {
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
                    return began.duration(to: .now)
                }
                #expect(recovery < .seconds(6))
                #expect(seen.count { $0.target != .pool } == 0)
                #expect(seen.slowest < .seconds(1))
                for path in Self.hot { #expect(fleet.fetches(path) == 1) }
                try await fleet.askUntilInPool("/meanwhile.bin", of: 0, within: .seconds(8))
                try await fleet.ready()
                try await fleet.settles()
            }
        }

        @Test("Pools are spread over a cluster: when one server is gone, the pools of the others go on, and its own when it is back")
        func cluster() async throws {
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
    }
}
