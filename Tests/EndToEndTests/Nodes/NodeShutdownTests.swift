import TestServers
import Testing

extension EndToEndNodes {
    /// SIGTERM to all there is, while clients wait for a copy that is under way.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(1)))
    struct NodeShutdownTests {
        enum Part: Sendable {
            case frontEnds, copiers, redis
        }

        @Test(
            "In every order each process ends well within its grace, and every client is answered",
            arguments: [
                [[Part.frontEnds], [.copiers], [.redis]], [[.copiers], [.frontEnds], [.redis]], [[.redis], [.frontEnds], [.copiers]],
                [[.redis], [.copiers], [.frontEnds]], [[.copiers], [.redis], [.frontEnds]], [[.frontEnds, .copiers, .redis]],
            ])
        func everyOrder(order: [[Part]]) async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.shutdownGrace = "1s"
            let clients = 20
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/a.bin", size: 12 << 20)
                fleet.origin.on("/a.bin", behavior.with { $0.stall = (300_000, gate) })
                fleet.publish("/b.bin")
                let seen = try await withThrowingTaskGroup(of: Seen.self) { group in
                    for client in 0..<clients {
                        group.addTask { try await fleet.ask("/a.bin", of: client % 2) }
                    }
                    for node in fleet.frontEnds { try await node.waiting(clients / 2) }
                    try await gate.isReached()
                    for parts in order {
                        let ended = try await withThrowingTaskGroup(of: (String, ChildProcess.Exit?, Duration).self) { ends in
                            let began = ContinuousClock.now
                            for part in parts {
                                let nodes: [MirrorProcess] =
                                    switch part {
                                    case .frontEnds: fleet.frontEnds
                                    case .copiers: fleet.copiers
                                    case .redis: []
                                    }
                                for node in nodes {
                                    ends.addTask { ("\(part)", try await node.end(.terminate), began.duration(to: .now)) }
                                }
                                if part == .redis {
                                    ends.addTask { ("redis", try await redis.end(.terminate), began.duration(to: .now)) }
                                }
                            }
                            return try await ends.reduce(into: []) { $0.append($1) }
                        }
                        for (name, exit, took) in ended {
                            #expect(exit == .code(0), "\(name)")
                            // The grace, and a moment for a machine with other things to do.
                            #expect(took < .seconds(3), "\(name)")
                        }
                    }
                    return try await group.reduce(into: [Seen]()) { $0.append($1) }
                }
                #expect(seen.count { $0.target == .origin } == clients)
            }
        }

        @Test("A copy that was handed back in a shutdown of everything is made by the next copier, without being asked for")
        func handedBack() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.shutdownGrace = "1s"
            // One that was not handed back would have to wait for it.
            settings.lease = "60s"
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let behavior = fleet.publish("/a.bin", size: 12 << 20)
                fleet.origin.on("/a.bin", behavior.with { $0.stall = (300_000, gate) })
                async let waiting = fleet.ask("/a.bin", of: 0)
                try await gate.isReached()
                for node in fleet.frontEnds + fleet.copiers { #expect(try await node.end(.terminate) == .code(0)) }
                #expect(try await waiting.target == .origin)
                gate.open()
                try await fleet.copiers[1].start()
                try await fleet.frontEnds[1].start()
                try await eventually("the copy is there") { try await fleet.replica("/a.bin", of: 1)?.state == "present" }
                try await fleet.expect(try await fleet.ask("/a.bin", of: 1), is: behavior)
                try await fleet.settles(of: 1)
            }
        }
    }
}
