import Testing

/// The fast path may not be told from the slow one: same bytes, same order, same end of the connection.
@Suite(.timeLimit(.minutes(5)))
struct DifferentialTests {
    @Test func `every stream of the table is answered with the same bytes by both paths`() async throws {
        try await DifferentialPair.run { pair in
            for stream in RequestStream.table { try await pair.compare(stream) }
            #expect(pair.fast.answeredFast > 300)
            #expect(pair.slow.answeredFast == 0)
        }
    }

    @Test func `plain hits do come from the fast path`() async throws {
        try await DifferentialPair.run { pair in
            for (stream, count) in zip(RequestStream.plain.prefix(5), repeatElement(1, count: 5)) {
                let before = pair.fast.answeredFast
                try await pair.compare(stream)
                #expect(pair.fast.answeredFast == before + count, "\(stream.name)")
            }
        }
    }
}
