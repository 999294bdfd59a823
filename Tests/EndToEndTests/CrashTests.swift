import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// `kill -9` at the worst moments.
    @Suite(.timeLimit(.minutes(1)))
    struct CrashTests {
        /// An origin that stalls until it is told to be good; what stalls then goes on stalling.
        private static func stalling(_ origin: FakeOrigin, _ path: String, _ behavior: FakeBehavior, gate: FakeGate) -> @Sendable () -> Void
        {
            let isGood = Flag()
            origin.on(path) { _ in isGood.isSet ? behavior : behavior.with { $0.stall = (300_000, gate) } }
            return { isGood.set() }
        }

        @Test(
            "A copy that a kill cut off is done again after the restart, and nothing of the first attempt is left",
            arguments: [true, false])
        func copyIsCutOff(isRanged: Bool) async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                let size: Int64 = 3_500_000
                let behavior = FakeBehavior.generated(size: size, seed: 11).with { $0.acceptsRanges = isRanged }
                let letGo = Self.stalling(origin, "/big.bin", behavior, gate: gate)
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.lease = "4s"
                try await MirrorProcess.run(settings) { mirror in
                    let artifact = origin.url("/big.bin")
                    try await mirror.warm([artifact])
                    // Four parts of 1 MiB at the same time, or all of it in one answer.
                    try await gate.waiting(isRanged ? 4 : 1)
                    // The origin stalls once it has sent its bytes, which may be before the mirror has read them.
                    try await eventually("an upload is under way") { try mirror.uploads().count == 1 }
                    try await mirror.end(.kill)
                    #expect(try mirror.uploads().count == 1)
                    #expect(try mirror.objects().isEmpty)

                    let before = origin.requests.count
                    try await mirror.start()
                    // The copy goes on without being asked for, and stalls again.
                    _ = try await origin.request(before + 1, for: "/big.bin")
                    #expect(try await mirror.local(artifact).status == 404)

                    letGo()
                    gate.open()
                    // No longer than the lease of a worker that is gone.
                    let answer = try await mirror.redirect(artifact, wait: 4)
                    #expect(answer.outcome == "wait" || answer.outcome == "hit")
                    let copy = try await mirror.follow(answer)
                    #expect(copy.body == behavior.body.bytes(0..<size))
                    #expect(try mirror.objects().count == 1)
                    #expect(try mirror.uploads().isEmpty)
                }
            }
        }

        @Test("What an earlier process left half done is gone once the next one accepts requests")
        func leftoversAreRemoved() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                let behavior = FakeBehavior.generated(size: 1_000_000, seed: 12).with { $0.stall = (300_000, gate) }
                origin.on("/big.bin", behavior, .status(404))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/big.bin")
                    try await mirror.warm([artifact])
                    try await gate.waiting()
                    try await eventually("an upload is under way") { try mirror.uploads().count == 1 }
                    try await mirror.end(.kill)
                    #expect(try mirror.uploads().count == 1)
                    try await mirror.start()
                    #expect(try mirror.uploads().isEmpty)
                    let answer = try await mirror.redirect(artifact, wait: 5)
                    #expect(answer.status == 404)
                    #expect(try await mirror.local(artifact).status == 404)
                }
            }
        }

        @Test("A replica that was present is a hit after a kill")
        func presentSurvives() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 2_000_000, seed: 13))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/a.bin")
                    let bytes = try await mirror.follow(mirror.redirect(artifact)).body
                    try await mirror.restart(after: .kill)
                    let fetched = origin.requests.count
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.outcome == "hit")
                    #expect(try await mirror.follow(answer).body == bytes)
                    #expect(origin.requests.count == fetched)
                }
            }
        }

        @Test("A copy over which the process is killed twice is set aside; the third start survives, and the other copies go on")
        func poisonedJob() async throws {
            try await FakeOrigin.run { origin in
                let (poison, innocent) = (FakeGate(), FakeGate())
                origin.on("/poison.bin", FakeBehavior.generated(size: 1_000).with { $0.gate = poison })
                let others = (0..<3).map { "/\($0).bin" }
                for path in others { origin.on(path, FakeBehavior.generated(size: 1_000, seed: 5).with { $0.gate = innocent }) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    try await mirror.warm([origin.url("/poison.bin")])
                    try await mirror.warm(others.map { origin.url($0) })
                    try await poison.waiting()
                    try await innocent.waiting(3)
                    try await mirror.restart(after: .kill)
                    // It is tried again, and none of the others at the same time: one of them may be what kills.
                    _ = try await origin.request(2, for: "/poison.bin")
                    try await mirror.restart(after: .kill)

                    innocent.open()
                    for path in others {
                        let answer = try await mirror.redirect(origin.url(path))
                        #expect(["wait", "hit"].contains(answer.outcome), "\(path): \(answer.outcome ?? "")")
                    }
                    // Others of its origin may go first, and it has a lane of its own.
                    let replica = try await eventually("it is set aside") {
                        try await mirror.replica(origin.url("/poison.bin")).flatMap { $0.state == "pending" ? nil : $0 }
                    }
                    #expect(replica.state == "error")
                    #expect(replica.error?.reason == "unfinished")
                    let answer = try await mirror.redirect(origin.url("/poison.bin"))
                    #expect(answer.status == 302 && answer.outcome == "fallback" && answer.location == origin.url("/poison.bin"))
                    #expect(origin.requests(for: "/poison.bin").count == 2)
                    #expect(try await mirror.metric("cloud_mirror_copies_total", "result=\"set-aside\"") == 1)
                    #expect(try await mirror.metric("cloud_mirror_errors_total", "kind=\"copy.unfinished\"") == 1)
                    #expect(try await mirror.admin(.GET, "/v1/stats").json(MirrorProcess.Stats.self).copies["set-aside"] == 1)
                    #expect(mirror.log.contains("copy set aside") && mirror.log.contains("/poison.bin"))

                    // A purge lets it be tried at once.
                    try await mirror.purge(origin.url("/poison.bin"))
                    poison.open()
                    #expect(try await mirror.redirect(origin.url("/poison.bin")).outcome == "wait")
                }
            }
        }

        @Test("Orderly stops never set a copy aside, however many it lives through")
        func orderlyStops() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", FakeBehavior.generated(size: 1_000).with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.shutdownGrace = "200ms"
                try await MirrorProcess.run(settings) { mirror in
                    try await mirror.warm([origin.url("/a.bin")])
                    try await gate.waiting()
                    try await mirror.restart(after: .kill)
                    for number in 2...4 {
                        _ = try await origin.request(number, for: "/a.bin")
                        try await mirror.restart(after: .terminate)
                    }
                    gate.open()
                    #expect(try await mirror.redirect(origin.url("/a.bin")).outcome != "fallback")
                }
            }
        }

        @Test("Killed again and again at random moments, it has the right bytes in the end", arguments: [1, 2] as [UInt64])
        func killedAgainAndAgain(seed: UInt64) async throws {
            let rounds = 5
            let size: Int64 = 2_500_000
            try await FakeOrigin.run { origin in
                var random = SeededGenerator(seed: seed)
                var settings = MirrorSettings(allow: [origin.url("/")])
                // Each kill costs an attempt.
                settings.maxAttempts = 20
                try await MirrorProcess.run(settings) { mirror in
                    var artifacts: [(path: String, body: FakeBody)] = []
                    for round in 0..<rounds {
                        for number in 0..<3 {
                            let path = "/\(round)-\(number).bin"
                            let behavior = FakeBehavior.generated(size: size, seed: UInt64(round * 10 + number)).with {
                                $0.acceptsRanges = number != 2
                                $0.chunkSize = 32 << 10
                                $0.pause = .milliseconds(2)
                            }
                            artifacts.append((path, behavior.body))
                            origin.on(path, behavior)
                        }
                        try await mirror.warm(artifacts.suffix(3).map { origin.url($0.path) })
                        // Somewhere in the middle: an artifact of this round is asked for up to three times, in parts.
                        let number = Int.random(in: 0..<3, using: &random)
                        let request = number == 2 ? 1 : Int.random(in: 1...3, using: &random)
                        _ = try await origin.request(request, for: "/\(round)-\(number).bin")
                        // Meant as a random moment, not as a wait for something.
                        try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
                        try await mirror.restart(after: .kill)
                    }
                    for (path, body) in artifacts {
                        var answer = try await mirror.redirect(origin.url(path))
                        if answer.outcome == "fallback" {
                            // It was under way in two kills, and is set aside.
                            #expect(try await mirror.replica(origin.url(path))?.error?.reason == "unfinished")
                            try await mirror.purge(origin.url(path))
                            answer = try await mirror.redirect(origin.url(path))
                        }
                        #expect(answer.outcome == "wait" || answer.outcome == "hit", "\(path)")
                        let isRight = try await mirror.follow(answer).body == body.bytes(0..<size)
                        #expect(isRight, "\(path)")
                    }
                    #expect(try mirror.objects().count == artifacts.count)
                    #expect(try mirror.uploads().isEmpty)
                }
            }
        }
    }
}
