import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// The machine's clock is set, forwards or back, while a mirror runs or while it does not.
    @Suite(.timeLimit(.minutes(2)))
    struct ClockTests {
        private static let steps: [Int64] = [-3_600, 3_600]

        private func run(
            _ change: (inout MirrorSettings) -> Void = { _ in },
            _ body: (_ mirror: MirrorProcess, _ preload: Preload, _ origin: FakeOrigin) async throws -> Void
        ) async throws {
            let preload = try await Preload()
            try await FakeOrigin.run { origin async throws in
                var settings = MirrorSettings(allow: [origin.url("/")])
                change(&settings)
                try await MirrorProcess.run(settings, with: preload) { try await body($0, preload, origin) }
            }
        }

        /// What the mirror says that the time is, less the machine's, in seconds.
        private func offset(_ mirror: MirrorProcess) async throws -> Int64 {
            let answer = try await mirror.send(.GET, "/healthz")
            let date = try #require(answer.headers.first(name: "Date").flatMap { Timestamp(httpDate: $0) })
            return SystemClock().now.duration(to: date).components.seconds
        }

        @Test("Who waits is answered when the time is over, and who comes afterwards too", arguments: steps)
        func waits(step: Int64) async throws {
            try await run({ $0.maxWait = "3s" }) { mirror, preload, origin async throws in
                let gate = FakeGate()
                origin.on("/a.bin", .text("late").with { $0.gate = gate })
                let began = ContinuousClock.now
                async let waiting = mirror.redirect(origin.url("/a.bin"))
                try await mirror.waiting(1)
                try preload.setClock(by: step)
                // The field is made anew once in a second.
                try await eventually("the mirror sees it") { abs(try await offset(mirror) - step) < 60 }
                #expect(try await waiting.outcome == "fallback")
                #expect(began.duration(to: .now) < .seconds(6))
                let next = ContinuousClock.now
                #expect(try await mirror.redirect(origin.url("/a.bin")).outcome == "fallback")
                #expect((.seconds(3)..<(.seconds(6))).contains(next.duration(to: .now)))
                gate.open()
            }
        }

        @Test("Copies under way go on with their leases, others begin, and each is made once", arguments: steps)
        func copies(step: Int64) async throws {
            try await run({ $0.lease = "2s" }) { mirror, preload, origin async throws in
                let gate = FakeGate()
                origin.on("/a.bin", .text("at last").with { $0.gate = gate })
                origin.on("/b.bin", .text("quick"))
                async let waiting = mirror.redirect(origin.url("/a.bin"))
                try await gate.waiting()
                try preload.setClock(by: step)
                #expect(try await mirror.redirect(origin.url("/b.bin")).outcome == "wait")
                // For longer than a lease.
                try await Task.sleep(for: .seconds(3))
                gate.open()
                #expect(try await waiting.outcome == "wait")
                #expect(origin.requests.count { $0.path == "/a.bin" } == 1)
                #expect(try await mirror.redirect(origin.url("/a.bin")).outcome == "hit")
            }
        }

        /// An origin that is busy once, and wants to be left alone for two seconds.
        private func busy(_ origin: FakeOrigin) {
            origin.on("/a.bin", .status(503).with { $0.headers.append(("Retry-After", "2")) }, .text("hello"))
        }

        @Test("A copy that is to be tried again is, in its time", arguments: steps)
        func retries(step: Int64) async throws {
            try await run({ $0.maxBackoff = "5s" }) { mirror, preload, origin async throws in
                busy(origin)
                let began = ContinuousClock.now
                async let waiting = mirror.redirect(origin.url("/a.bin"))
                try await eventually("it was asked") { origin.requests.count == 1 }
                try await eventually("it will be tried again") { mirror.log.contains("copy will be retried") }
                try preload.setClock(by: step)
                #expect(try await waiting.outcome == "wait")
                #expect(began.duration(to: .now) < .seconds(12))
            }
        }

        @Test("A copy that was to be tried again is after a restart, whatever the clock says then", arguments: steps)
        func restarts(step: Int64) async throws {
            try await run({ $0.maxBackoff = "5s" }) { mirror, preload, origin async throws in
                busy(origin)
                try await mirror.warm([origin.url("/a.bin")])
                try await eventually("it will be tried again") { mirror.log.contains("copy will be retried") }
                try await mirror.end(.kill)
                try preload.setClock(by: step)
                try await mirror.start()
                try await eventually("it is there", within: .seconds(15)) {
                    try await mirror.replica(origin.url("/a.bin"))?.state == "present"
                }
            }
        }

        @Test("A stop takes no longer", arguments: steps)
        func stops(step: Int64) async throws {
            try await run({ $0.shutdownGrace = "2s" }) { mirror, preload, origin async throws in
                let gate = FakeGate()
                origin.on("/a.bin", .text("late").with { $0.gate = gate })
                async let waiting = mirror.redirect(origin.url("/a.bin"))
                try await mirror.waiting(1)
                mirror.send(.terminate)
                try preload.setClock(by: step)
                #expect(try await waiting.outcome == "fallback")
                let began = ContinuousClock.now
                #expect(try await mirror.ended() == .code(0))
                #expect(began.duration(to: .now) < .seconds(3))
                gate.open()
            }
        }
    }
}
