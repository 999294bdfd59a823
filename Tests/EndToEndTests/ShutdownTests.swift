import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// SIGTERM: who is being served is served, and nothing is lost.
    @Suite(.timeLimit(.minutes(1)))
    struct ShutdownTests {
        @Test("A request that waits for a copy is answered with a redirect to the origin before the process ends")
        func answersWhoWaits() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .text("late").with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.shutdownGrace = "2s"
                try await MirrorProcess.run(settings) { mirror in
                    let artifact = origin.url("/a.bin")
                    async let waiting = mirror.redirect(artifact)
                    try await mirror.waiting(1)
                    mirror.send(.terminate)
                    let answer = try await waiting
                    #expect(answer.status == 302)
                    #expect(answer.location == artifact)
                    #expect(answer.outcome == "fallback")
                    #expect(try await mirror.ended() == .code(0))
                }
            }
        }

        @Test("A download of a copy that is under way is finished")
        func finishesDownloads() async throws {
            let size: Int64 = 48 << 20
            try await FakeOrigin.run { origin in
                let behavior = FakeBehavior.generated(size: size, seed: 31)
                origin.on("/big.bin", behavior)
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.partSize = "16MiB"
                try await MirrorProcess.run(settings) { mirror in
                    let location = try #require(try await mirror.redirect(origin.url("/big.bin")).location)
                    let response = try await HTTP.open(.GET, mirror.url + location)
                    #expect(response.status == .ok)
                    var chunks = response.body.makeAsyncIterator()
                    // More is under way than sockets hold, so the server cannot be done before it is told to stop.
                    var received = try await chunks.next() ?? ByteBuffer()
                    mirror.send(.terminate)
                    try await eventually("no new connection is accepted") {
                        try await Knock.once(at: mirror.url) == .refused
                    }
                    while var chunk = try await chunks.next() { received.writeBuffer(&chunk) }
                    #expect(received.readableBytes == Int(size))
                    let isRight = Array(received.readableBytesView) == behavior.body.bytes(0..<size)
                    #expect(isRight)
                    #expect(try await mirror.ended() == .code(0))
                }
            }
        }

        @Test("Who connects while it shuts down is answered or turned away, and it ends as it should", arguments: 1...8)
        func manyConnect(round: Int) async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["http://127.0.0.1/"])) { mirror in
                let (answers, answered) = AsyncStream.makeStream(of: Void.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...4 {
                        group.addTask {
                            while true {
                                switch try await Knock.once(at: mirror.url) {
                                case .answered: answered.yield()
                                case .turnedAway: break
                                case .refused: return
                                }
                            }
                        }
                    }
                    group.addTask {
                        var count = 0
                        for await _ in answers {
                            count += 1
                            if count == 20 + round { break }
                        }
                        mirror.send(.terminate)
                    }
                    try await group.waitForAll()
                }
                #expect(try await mirror.ended() == .code(0))
            }
        }

        @Test("A copy under way is handed back, and the next process finishes it without being asked")
        func handsBackCopies() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                let behavior = FakeBehavior.generated(size: 2_500_000, seed: 32)
                let isGood = Flag()
                origin.on("/a.bin") { _ in isGood.isSet ? behavior : behavior.with { $0.stall = (100_000, gate) } }
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.shutdownGrace = "1s"
                settings.lease = "60s"
                // One that was not handed back but given up would have used up its only attempt.
                settings.maxAttempts = 1
                try await MirrorProcess.run(settings) { mirror in
                    let artifact = origin.url("/a.bin")
                    try await mirror.warm([artifact])
                    try await gate.waiting(3)
                    #expect(try await mirror.end(.terminate) == .code(0))
                    #expect(try mirror.objects().isEmpty)
                    #expect(try mirror.uploads().isEmpty)
                    isGood.set()
                    try await mirror.start()
                    try await eventually("the copy is there") { try await mirror.replica(artifact)?.state == "present" }
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.outcome == "hit")
                    let isRight = try await mirror.follow(answer).body == behavior.body.bytes(0..<2_500_000)
                    #expect(isRight)
                }
            }
        }

        @Test("A copy that ends within the grace is recorded")
        func letsCopiesEnd() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .text("in time").with { $0.gate = gate })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/a.bin")
                    async let waiting = mirror.redirect(artifact)
                    try await mirror.waiting(1)
                    mirror.send(.terminate)
                    // Its answer says that the shutdown has begun.
                    #expect(try await waiting.outcome == "fallback")
                    gate.open()
                    #expect(try await mirror.ended() == .code(0))
                    try await mirror.start()
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.outcome == "hit")
                    #expect(try await mirror.follow(answer).text == "in time")
                    #expect(origin.requests.count == 1)
                }
            }
        }

        @Test("An idle process ends at once")
        func endsAtOnce() async throws {
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            settings.shutdownGrace = "60s"
            try await MirrorProcess.run(settings) { mirror in
                let health = try await mirror.send(.GET, "/healthz")
                #expect(health.status == 200)
                let began = ContinuousClock.now
                let exit = try await mirror.end(.terminate)
                #expect(exit == .code(0))
                #expect(began.duration(to: .now) < .seconds(10))
            }
        }
    }
}
