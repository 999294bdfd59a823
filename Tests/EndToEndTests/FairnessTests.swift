import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Origins that are slow, beside others that are not.
    @Suite(.timeLimit(.minutes(1)))
    struct FairnessTests {
        /// Two bytes a second, for as long as anybody listens.
        private static let dripping = FakeBehavior.generated(size: 10_000).with {
            $0.acceptsRanges = false
            $0.chunkSize = 2
            $0.pause = .seconds(1)
        }

        private func slots(_ mirror: MirrorProcess) async throws -> [MirrorProcess.Stats.Origin] {
            try await mirror.admin(.GET, "/v1/stats").json(MirrorProcess.Stats.self).origins
        }

        @Test("20 artifacts that drip hold up no request for another origin, and the statistics say who drips")
        func drippingOrigin() async throws {
            try await FakeOrigin.run { slow in
                try await FakeOrigin.run { quick in
                    for number in 0..<20 { slow.on("/\(number).bin", Self.dripping) }
                    for number in 0..<5 { quick.on("/\(number).bin", .generated(size: 100_000)) }
                    var settings = MirrorSettings(allow: [slow.url("/"), quick.url("/")])
                    settings.copyOptions = ["minRateWindow: 1s"]
                    try await MirrorProcess.run(settings) { mirror async throws in
                        try await mirror.warm((0..<20).map { slow.url("/\($0).bin") })
                        try await eventually("half of the slots are the slow origin's") { try await slots(mirror).first?.running == 8 }
                        func expectQuick(_ path: String) async throws {
                            let began = ContinuousClock.now
                            let answer = try await mirror.redirect(quick.url(path))
                            #expect(answer.outcome == "wait", "\(path)")
                            #expect(began.duration(to: .now) < .seconds(2), "\(path)")
                        }
                        try await expectQuick("/0.bin")
                        // Those that are slow go on without a slot, in bounded number, and others of the same origin take their places.
                        try await eventually("copies gave their slots up") { try await slots(mirror).first.map { $0.slow >= 4 } ?? false }
                        for number in 1..<5 { try await expectQuick("/\(number).bin") }
                        let origin = try #require(try await slots(mirror).first)
                        #expect(origin.origin == "http://127.0.0.1:\(slow.port)")
                        #expect(origin.running <= 20)
                        #expect(origin.slowed >= 4)
                        #expect(origin.bytesPerSecond < 1_000)
                        let stats = try await Command.run(
                            ["stats", "--mirror", mirror.url], environment: ["CLOUD_MIRROR_TOKEN": mirror.token])
                        #expect(stats.output.contains("ORIGIN"), "\(stats.output) \(stats.errors)")
                        #expect(stats.output.contains("http://127.0.0.1:\(slow.port)"), "\(stats.output)")
                    }
                }
            }
        }

        @Test("An origin that is slow but steady is copied from, while the others go on")
        func steadyOrigin() async throws {
            try await FakeOrigin.run { slow in
                try await FakeOrigin.run { quick in
                    // 5 kB/s for four seconds.
                    slow.on(
                        "/a.bin",
                        .generated(size: 20_000).with {
                            $0.chunkSize = 500
                            $0.pause = .milliseconds(100)
                        })
                    quick.on("/b.bin", .generated(size: 100_000))
                    var settings = MirrorSettings(allow: [slow.url("/"), quick.url("/")])
                    settings.copyOptions = ["concurrency: 1", "minRateWindow: 1s"]
                    try await MirrorProcess.run(settings) { mirror async throws in
                        async let answer = mirror.redirect(slow.url("/a.bin"))
                        _ = try await slow.request(1, for: "/a.bin")
                        #expect(try await mirror.redirect(quick.url("/b.bin")).outcome == "wait")
                        #expect(try await mirror.replica(slow.url("/a.bin"))?.state == "pending")
                        #expect(try await answer.outcome == "wait")
                        #expect(slow.requests(for: "/a.bin").count == 1)
                        #expect(try await mirror.metric("cloud_mirror_slow_copies_total", "pool=\"local/dev\"") == 1)
                    }
                }
            }
        }
    }
}
