import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct CoalescingTests {
        @Test("200 requests for one artifact that nobody has make one request to its origin, and all get its bytes")
        func oneCopyForAll() async throws {
            let count = 200
            let gate = FakeGate()
            let behavior = FakeBehavior.generated(size: 50_000, seed: 3)
            let expected = behavior.body.bytes(0..<50_000)
            try await FakeOrigin.run { origin in
                origin.on("/cold.bin", behavior.with { $0.gate = gate })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/cold.bin")
                    let answers = try await withThrowingTaskGroup(of: (answer: HTTP.Answer, isRight: Bool).self) { group in
                        for _ in 0..<count {
                            group.addTask {
                                let answer = try await mirror.redirect(artifact)
                                return (answer, try await mirror.follow(answer).body == expected)
                            }
                        }
                        group.addTask {
                            try await mirror.waiting(count)
                            gate.open()
                            return (try await mirror.redirect(artifact), true)
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(answers.count == count + 1)
                    #expect(answers.count { $0.answer.outcome == "wait" } >= count)
                    #expect(Set(answers.map(\.answer.location)).count == 1)
                    #expect(answers.count { !$0.isRight } == 0)
                    #expect(origin.requests.map(\.method) == ["GET"])
                }
            }
        }
    }
}
