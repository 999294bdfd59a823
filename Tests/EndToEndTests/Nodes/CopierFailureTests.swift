import MirrorCore
import TestServers
import Testing

extension EndToEndNodes {
    /// Copiers that die, stand still, or leave.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(2)))
    struct CopierFailureTests {
        /// Of more than one part, so that an upload is under way.
        private static let size: Int64 = 12 << 20

        @Test("A copier is killed in the middle of a copy: another finishes it within the lease and the copy's own time")
        func killed() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let isGood = Flag()
                let behavior = fleet.publish("/a.bin", size: Self.size)
                fleet.origin.on("/a.bin") { _ in isGood.isSet ? behavior : behavior.with { $0.stall = (300_000, gate) } }
                async let waiting = fleet.ask("/a.bin", of: 0)
                try await gate.isReached()
                let victim = try await fleet.busyCopier()
                isGood.set()
                try await fleet.copiers[victim].end(.kill)
                let began = ContinuousClock.now
                let seen = try await waiting
                // A second for the copy, and one for a machine with other things to do.
                #expect(began.duration(to: .now) < fleet.settings.leaseDuration + .seconds(2))
                #expect(seen.answer.outcome == "wait")
                try await fleet.expect(seen, is: behavior)
                try await fleet.expectCopies(1, by: [fleet.copiers[1 - victim]])
                try await fleet.settles()
            }
        }

        @Test("A copier stands still past its lease and goes on: what it writes late is refused, and the bytes are those of who took over")
        func suspended() async throws {
            let redis = try await RedisServer.start()
            try await Fleet.run(redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let isSuspended = Flag()
                let right = fleet.publish("/a.bin", size: Self.size).with { $0.etag = "\"same\"" }
                // Other bytes, so that it is seen whose they are.
                let wrong = FakeBehavior.generated(size: Self.size, seed: 666).with {
                    $0.etag = "\"same\""
                    $0.stall = (300_000, gate)
                }
                fleet.origin.on("/a.bin") { _ in isSuspended.isSet ? right : wrong }
                async let waiting = fleet.ask("/a.bin", of: 0)
                try await gate.isReached()
                let victim = fleet.copiers[try await fleet.busyCopier()]
                victim.send(.suspend)
                isSuspended.set()
                let seen = try await waiting
                #expect(seen.answer.outcome == "wait")
                try await fleet.expect(seen, is: right)
                // All that it waited for arrives at once when it goes on.
                gate.open()
                victim.send(.resume)
                try await eventually("the copier sees that the copy is not its own any more") {
                    victim.log.contains("this worker no longer has the copy")
                }
                #expect(try await fleet.copies(of: victim) == 0)
                let replica = try #require(try await fleet.replica("/a.bin"))
                #expect(replica.state == "present")
                #expect(replica.sha256 == (try right.body.sha256.hex))
                try await fleet.expect(try await fleet.ask("/a.bin", of: 1), is: right)
                // It is of use again.
                let next = fleet.publish("/b.bin")
                try await fleet.expect(try await fleet.ask("/b.bin", of: 1), is: next)
                try await fleet.settles()
            }
        }

        /// How a copier goes, and how soon front ends may take over: what registration lives for, or at once.
        private static func copierGoes(_ signal: ChildProcess.Signal, takenOverWithin limit: Duration) async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.copiers = 1
            settings.isSplit = false
            settings.copyInFrontEnd = "auto"
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                for number in 0..<3 {
                    let behavior = fleet.publish("/\(number).bin")
                    try await fleet.expect(try await fleet.ask("/\(number).bin", of: number % 2), is: behavior)
                }
                try await fleet.expectCopies(3, by: [fleet.copiers[0]])
                for node in fleet.frontEnds { #expect(try await fleet.copies(of: node) == 0) }
                try await fleet.copiers[0].end(signal)
                let behavior = fleet.publish("/later.bin")
                try await fleet.expect(try await fleet.askUntilInPool("/later.bin", of: 0, within: limit), is: behavior)
                try await fleet.expectCopies(1, by: fleet.frontEnds)
                // And back.
                try await fleet.copiers[0].start()
                fleet.publish("/last.bin")
                try await eventually("front ends leave copies to the copier again") {
                    #expect(try await fleet.purge("/last.bin", by: 0).status == 204)
                    _ = try await fleet.ask("/last.bin", of: 1)
                    return try await fleet.copies(of: fleet.copiers[0]) > 0
                }
                try await fleet.settles()
            }
        }

        @Test("Front ends copy nothing while a copier lives, and everything soon after it was killed")
        func frontEndsTakeOver() async throws {
            try await Self.copierGoes(.kill, takenOverWithin: .seconds(25))
        }

        @Test("Front ends copy at once when the copier leaves in order")
        func frontEndsTakeOverAtOnce() async throws {
            try await Self.copierGoes(.terminate, takenOverWithin: .seconds(8))
        }
    }
}
