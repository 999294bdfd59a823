import TestServers
import Testing

extension EndToEndNodes {
    /// What one node changes, the others know.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(1)))
    struct NodeCoherenceTests {
        @Test("A purge on one node is seen on every other at once")
        func purge() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.frontEnds = 3
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let paths = (1...8).map { "/\($0).bin" }
                try await fleet.makeHot(paths)
                var slowest = Duration.zero
                for path in paths {
                    #expect(try await fleet.purge(path, by: 0).status == 204)
                    let purged = ContinuousClock.now
                    for number in [1, 2] {
                        let seen = try await eventually("front end \(number) does not redirect to what is purged") {
                            let seen = try await fleet.ask(path, of: number, wait: 0)
                            return seen.isHit ? nil : seen
                        }
                        slowest = max(slowest, purged.duration(to: seen.began))
                    }
                }
                #expect(slowest < .seconds(1))
                for path in paths {
                    try await fleet.askUntilInPool(path, of: 0, within: .seconds(5))
                    #expect(fleet.fetches(path) == 2)
                }
                try await fleet.settles()
            }
        }

        @Test("A purge during a copy: who waits goes to the origin, and the artifact does not come back")
        func purgeDuringCopy() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/a.bin", size: 12 << 20)
                fleet.origin.on("/a.bin", behavior.with { $0.stall = (300_000, gate) })
                async let waiting = fleet.ask("/a.bin", of: 0)
                try await fleet.frontEnds[0].waiting(1)
                try await gate.isReached()
                let copier = fleet.copiers[try await fleet.busyCopier()]
                #expect(try await fleet.purge("/a.bin", by: 1).status == 204)
                #expect(try await waiting.target == .origin)
                gate.open()
                try await eventually("the copier gives up") { copier.log.contains("this worker no longer has the copy") }
                #expect(try await fleet.copiesUnderWay(of: copier) == 0)
                for number in fleet.frontEnds.indices { #expect(try await fleet.replica("/a.bin", of: number) == nil) }
                #expect(try await !fleet.isStored("/a.bin"))
                // Until somebody asks.
                try await fleet.expect(try await fleet.ask("/a.bin", of: 0), is: behavior)
                try await fleet.settles()
            }
        }

        /// What lies between one front end and Redis.
        enum Trouble: Sendable, CaseIterable {
            case stalled, refused
        }

        @Test(
            "One front end loses Redis: it goes on from memory, falls back for the rest, and afterwards knows what it missed",
            arguments: Trouble.allCases)
        func stalled(trouble: Trouble) async throws {
            let redis = try await RedisServer.start()
            try await TCPProxy.run(to: redis.port) { proxy async throws in
                var settings = FleetSettings()
                settings.redisOfFrontEnd = [0: "redis://127.0.0.1:\(proxy.port)/0"]
                try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                    try await fleet.makeHot(["/kept.bin", "/purged.bin"])
                    switch trouble {
                    case .stalled: proxy.stall()
                    case .refused:
                        try await proxy.refuse()
                        proxy.cut()
                    }
                    let (_, seen) = try await fleet.withTraffic(on: ["/kept.bin"]) {
                        let end = ContinuousClock.now + .seconds(3)
                        var round = 0
                        repeat {
                            round += 1
                            let path = "/cold-\(round).bin"
                            let behavior = fleet.publish(path)
                            let cut = try await fleet.ask(path, of: 0)
                            #expect(cut.target == .origin)
                            #expect(cut.took < .seconds(1))
                            try await fleet.expect(try await fleet.ask(path, of: 1), is: behavior)
                        } while ContinuousClock.now < end
                        #expect(try await fleet.readiness(of: 0).word == "degraded")
                        #expect(try await fleet.readiness(of: 1).word == "ok")
                        #expect(try await fleet.purge("/purged.bin", by: 1).status == 204)
                        switch trouble {
                        case .stalled: proxy.resume()
                        case .refused: try await proxy.accept()
                        }
                        try await eventually("front end 0 knows of the purge", within: .seconds(3)) {
                            try await fleet.ask("/purged.bin", of: 0, wait: 0).isHit ? nil : ()
                        }
                        try await fleet.askUntilInPool("/cold-1.bin", of: 0, within: .seconds(3))
                    }
                    #expect(seen.count { !$0.isHit } == 0)
                    #expect(seen.slowest < .seconds(1))
                    try await fleet.askUntilInPool("/purged.bin", of: 0, within: .seconds(3))
                    #expect(fleet.fetches("/kept.bin") == 1)
                    #expect(fleet.fetches("/purged.bin") == 2)
                    try await fleet.ready()
                    try await fleet.settles()
                }
            }
        }
    }
}
