import MirrorCore
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndNodes {
    /// SIGTERM while something hangs: everybody is answered at once, and the process ends within its grace and a second.
    @Suite(.timeLimit(.minutes(1)))
    struct HungShutdownTests {
        private static let grace = Duration.seconds(3)

        private func settings(_ origin: FakeOrigin) -> MirrorSettings {
            var settings = MirrorSettings(allow: [origin.url("/")])
            settings.shutdownGrace = "3s"
            settings.maxWait = "60s"
            settings.idleTimeout = "60s"
            // So that no request is over by itself.
            settings.redirectOptions = ["lookLimit: 60s"]
            return settings
        }

        /// Tells it to stop.
        ///
        /// - Returns: How it ended, and after how long.
        private func stop(_ mirror: MirrorProcess) async throws -> (exit: ChildProcess.Exit?, took: Duration) {
            let began = ContinuousClock.now
            let exit = try await mirror.end(.terminate)
            return (exit, began.duration(to: try #require(mirror.endedAt)))
        }

        private func expect(_ end: (exit: ChildProcess.Exit?, took: Duration), within limit: Duration = grace + .seconds(1)) {
            #expect(end.exit == .code(0))
            #expect(end.took < limit, "it took \(end.took)")
        }

        @Test("A pool that says nothing: who waits for it is redirected to the origin at once")
        func silentPool() async throws {
            try await FakeOrigin.run { origin async throws in
                try await SilentServer.run { service async throws in
                    var settings = settings(origin)
                    settings.morePools = [service.pool]
                    try await MirrorProcess.run(settings) { mirror async throws in
                        try await withThrowingTaskGroup(of: (HTTP.Answer, ContinuousClock.Instant).self) { group in
                            for number in 0..<20 {
                                group.addTask {
                                    let answer = try await mirror.redirect(
                                        origin.url("/\(number).bin"), in: SilentServer.poolName, wait: 60)
                                    return (answer, .now)
                                }
                            }
                            try await eventually("the pool is asked") { service.connectionCount >= 20 }
                            let began = ContinuousClock.now
                            let end = try await stop(mirror)
                            for try await (answer, time) in group {
                                #expect(answer.status == 302)
                                #expect(answer.outcome == "fallback")
                                #expect(began.duration(to: time) < .seconds(1))
                            }
                            expect(end)
                        }
                        #expect(mirror.log.contains("shutting-down"))
                    }
                }
            }
        }

        @Test("A copy into a pool that says nothing, from an origin that stalls: the jobs are handed back")
        func silentCopies() async throws {
            try await FakeOrigin.run { origin async throws in
                try await SilentServer.run { service async throws in
                    let gate = FakeGate()
                    origin.on("/stall.bin", FakeBehavior.generated(size: 2_500_000).with { $0.stall = (100_000, gate) })
                    var settings = settings(origin)
                    settings.morePools = [service.pool]
                    settings.lease = "60s"
                    try await MirrorProcess.run(settings) { mirror async throws in
                        try await mirror.warm([origin.url("/stall.bin")])
                        try await gate.waiting()
                        expect(try await stop(mirror))
                        gate.open()
                        try await mirror.start()
                        try await eventually("the copy is there") {
                            try await mirror.replica(origin.url("/stall.bin"))?.state == "present"
                        }
                    }
                }
            }
        }

        @Test("A bucket that falls silent in the middle of a copy", .enabled(if: S3Server.isExpected, "no S3 server was started"))
        func silentUpload() async throws {
            let server = try S3Server()
            let bucket = try await server.makeBucket("pool")
            try await FakeOrigin.run { origin async throws in
                try await TCPProxy.run(to: try server.port) { line async throws in
                    let gate = FakeGate()
                    origin.on("/a.bin", .generated(size: 12 << 20).with { $0.stall = (100_000, gate) })
                    var settings = settings(origin)
                    settings.morePools = ["s3/one: \(server.settings(bucket, through: line, ", access: presigned"))"]
                    try await MirrorProcess.run(settings) { mirror async throws in
                        async let waiting = mirror.redirect(origin.url("/a.bin"), in: "s3/one")
                        try await gate.waiting()
                        line.stall()
                        gate.open()
                        try await eventually("the bucket is asked") { line.heldBytes > 0 }
                        let end = try await stop(mirror)
                        #expect(try await waiting.location == origin.url("/a.bin"))
                        expect(end)
                        line.resume()
                        try await mirror.start()
                        #expect(try await mirror.redirect(origin.url("/a.bin"), in: "s3/one").outcome != "fallback")
                    }
                }
            }
        }

        @Test("A client that takes nothing of what it was sent")
        func stalledClient() async throws {
            try await FakeOrigin.run { origin async throws in
                origin.on("/big.bin", .generated(size: 64 << 20))
                try await MirrorProcess.run(settings(origin)) { mirror async throws in
                    let location = try #require(try await mirror.redirect(origin.url("/big.bin")).location)
                    let response = try await HTTP.open(.GET, mirror.url + location)
                    var chunks = response.body.makeAsyncIterator()
                    _ = try await chunks.next()
                    expect(try await stop(mirror))
                }
            }
        }

        @Test("A Redis that is stopped", .enabled(if: Fleet.isExpected, "no Redis or no S3 server"))
        func stoppedRedis() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            (settings.frontEnds, settings.copiers, settings.isSplit) = (1, 0, false)
            (settings.maxWait, settings.redisOptions) = ("60s", ", timeout: 2s")
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let mirror = fleet.frontEnds[0]
                let (late, other) = (fleet.origin.url("/gate.bin"), fleet.origin.url("/other.bin"))
                let gate = FakeGate()
                fleet.origin.on("/gate.bin", .text("late").with { $0.gate = gate })
                async let waiting = mirror.redirect(late, in: "s3/one")
                try await gate.waiting()
                try await mirror.waiting(1)
                redis.send(.suspend)
                async let asked = mirror.redirect(other, in: "s3/one")
                // Nothing tells that it is there. It waits for Redis for two seconds.
                try await Task.sleep(for: .milliseconds(500))
                let end = try await stop(mirror)
                #expect(try await waiting.location == late)
                #expect(try await asked.location == other)
                expect(end)
                redis.send(.resume)
            }
        }

        @Test("A disk that does not come to an end: nobody waits for it, and the copy is made after the next start")
        func hungDisk() async throws {
            let preload = try await Preload()
            try await FakeOrigin.run { origin async throws in
                origin.on("/a.bin", .generated(size: 100_000))
                try await MirrorProcess.run(settings(origin), with: preload) { mirror async throws in
                    try preload.hang(.sync)
                    async let waiting = mirror.redirect(origin.url("/a.bin"))
                    try await eventually("all of it is there") { try mirror.uploads().count == 1 && origin.requests.count >= 1 }
                    try await mirror.waiting(1)
                    let end = try await stop(mirror)
                    #expect(try await waiting.location == origin.url("/a.bin"))
                    expect(end)
                    try preload.letGo(.sync)
                    try await mirror.start()
                    try await eventually("the copy is there") { try await mirror.replica(origin.url("/a.bin"))?.state == "present" }
                }
            }
        }

        @Test("When the threads of all tasks are blocked, it is ended as it is, with an exit code of its own")
        func blockedThreads() async throws {
            let preload = try await Preload()
            try await FakeOrigin.run { origin async throws in
                try await MirrorProcess.run(settings(origin), with: preload) { mirror async throws in
                    try preload.hang(.tasks)
                    let asking = Task {
                        await withTaskGroup(of: Void.self) { group in
                            for _ in 0..<32 { group.addTask { _ = try? await mirror.send(.GET, "/healthz") } }
                        }
                    }
                    try await eventually("nothing is answered any more") {
                        let answer = try? await HTTP.open(.GET, "\(mirror.url)/healthz", timeout: .seconds(1))
                        return answer == nil
                    }
                    let end = try await stop(mirror)
                    #expect(end.exit == .code(75))
                    #expect(end.took < Self.grace + .seconds(1))
                    #expect(mirror.log.contains("did not stop in time; exiting anyway"))
                    await asking.value
                }
            }
        }

        @Test("A copy that ends within the grace is kept, and a second signal changes nothing")
        func secondSignal() async throws {
            try await FakeOrigin.run { origin async throws in
                let gate = FakeGate()
                origin.on("/gate.bin", .text("in time").with { $0.gate = gate })
                try await MirrorProcess.run(settings(origin)) { mirror async throws in
                    async let waiting = mirror.redirect(origin.url("/gate.bin"))
                    try await gate.waiting()
                    try await mirror.waiting(1)
                    mirror.send(.terminate)
                    #expect(try await waiting.outcome == "fallback")
                    mirror.send(.terminate)
                    gate.open()
                    #expect(try await mirror.ended() == .code(0))
                    try await mirror.start()
                    #expect(try await mirror.redirect(origin.url("/gate.bin")).outcome == "hit")
                }
            }
        }
    }
}
