import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// The disk of one of two pools hangs, as that of a file server does that is gone.
    @Suite(.timeLimit(.minutes(2)))
    struct HungDiskTests {
        @Test(
            "Clients of its pool go to the origin in some seconds, and then at once; those of the other notice nothing, and it comes back by itself"
        )
        func onePool() async throws {
            let (preload, disk) = (try await Preload(), try TemporaryDirectory())
            try await FakeOrigin.run { origin async throws in
                for number in 0..<100 { origin.on("/\(number).bin", .generated(size: 100_000)) }
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.morePools = ["local/two: {directory: \(disk.path)/pool}"]
                try await MirrorProcess.run(settings, with: preload) { mirror async throws in
                    let hung = origin.url("/0.bin")
                    #expect(try await mirror.redirect(hung, in: "local/two").outcome == "wait")
                    let location = try #require(try await mirror.redirect(hung, in: "local/two").location)
                    try preload.hang(.disk, in: disk.path)
                    defer { try? preload.letGo(.disk) }

                    // Who follows a redirect from before.
                    let first = try await timed { try await mirror.send(.GET, location) }
                    #expect(first.answer.status == 302)
                    let back = try #require(first.answer.location)
                    let second = try await timed { try await mirror.send(.GET, back) }
                    #expect(second.answer.location == hung)
                    #expect(first.took + second.took < .seconds(6))

                    // Everybody else, more than there are threads.
                    try await eventually("hits go to the origin") {
                        try await mirror.redirect(hung, in: "local/two").outcome == "fallback"
                    }
                    let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
                        for number in 0..<100 {
                            group.addTask {
                                let asked = try await timed { try await mirror.redirect(origin.url("/\(number).bin"), in: "local/two") }
                                #expect(asked.answer.location == origin.url("/\(number).bin"))
                                let followed = try await timed { try await mirror.send(.GET, location) }
                                #expect(followed.answer.status == 302)
                                return max(asked.took, followed.took)
                            }
                        }
                        return try await group.reduce(.zero) { max($0, $1) }
                    }
                    #expect(slowest < .seconds(1))
                    #expect(mirror.log.contains("a pool does not answer"))

                    let other = try await timed { try await mirror.redirect(origin.url("/1.bin")) }
                    #expect(other.answer.outcome == "wait")
                    #expect(other.took < .seconds(2))
                    #expect(try await mirror.follow(other.answer).body.count == 100_000)

                    try preload.letGo(.disk)
                    try await eventually("it is back") { try await mirror.redirect(hung, in: "local/two").outcome == "hit" }
                    #expect(try await mirror.send(.GET, location).body.count == 100_000)
                }
            }
        }

        private func timed(
            _ ask: @Sendable () async throws -> HTTP.Answer
        ) async throws -> (answer: HTTP.Answer, took: Duration) {
            let began = ContinuousClock.now
            let answer = try await ask()
            return (answer, began.duration(to: .now))
        }
    }
}
