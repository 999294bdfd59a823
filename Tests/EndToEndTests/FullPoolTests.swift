import TestServers
import Testing

extension EndToEnd {
    /// A pool that is full, and readers of what is in it.
    @Suite(.timeLimit(.minutes(1)))
    struct FullPoolTests {
        @Test("What is being read stays in a full pool while other artifacts flow in, and every redirect leads to its bytes")
        func readersKeepWhatTheyRead() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/hot.bin", .generated(size: 50_000))
                for number in 0..<140 { origin.on("/\(number).bin", .generated(size: 100_000, seed: UInt64(number))) }
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.poolOptions = ", retention: {maxBytes: 10MB, grace: 0s}"
                try await MirrorProcess.run(settings) { mirror async throws in
                    #expect(try await mirror.redirect(origin.url("/hot.bin")).outcome == "wait")
                    let outcomes = try await withThrowingTaskGroup(of: [String].self) { group in
                        for reader in 0..<4 {
                            group.addTask {
                                var outcomes: [String] = []
                                for number in 0..<35 {
                                    let redirect = try await mirror.redirect(origin.url("/\(reader * 35 + number).bin"))
                                    outcomes.append(redirect.outcome ?? "none")
                                    if redirect.outcome == "wait" { #expect(try await mirror.follow(redirect).status == 200) }
                                    for _ in 0..<3 {
                                        let hot = try await mirror.redirect(origin.url("/hot.bin"))
                                        #expect(hot.outcome == "hit")
                                        #expect(try await mirror.follow(hot).status == 200)
                                    }
                                }
                                return outcomes
                            }
                        }
                        return try await group.reduce(into: []) { $0 += $1 }
                    }
                    #expect(outcomes.contains("wait") && outcomes.contains("fallback"))
                    #expect(try await mirror.metric("cloud_mirror_evictions_total", "pool=\"local/dev\"", "reason=\"max-bytes\"") == 0)
                    let held = try #require(try await mirror.metric("cloud_mirror_pool_bytes", "pool=\"local/dev\""))
                    #expect(held <= 10_000_000 && held > 9_000_000, "\(held)")
                }
            }
        }
    }
}
