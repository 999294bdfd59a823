import Testing

/// The same mirror twice, with and without the fast path, over one state and one pool.
struct DifferentialPair {
    let fast: MirrorFixture
    let slow: MirrorFixture

    /// Starts both and fills the table of the one that has one.
    static func run<Result: Sendable>(
        _ options: MirrorOptions = MirrorOptions(), isolation: isolated (any Actor)? = #isolation,
        _ body: (DifferentialPair) async throws -> Result
    ) async throws -> Result {
        let world = World()
        for path in [RequestStream.hitPath, RequestStream.otherHitPath] { try await world.seed(path) }
        var slowOptions = options
        slowOptions.usesFastPath = false
        return try await MirrorFixture.run(world, slowOptions) { slow in
            try await MirrorFixture.run(world, options) { fast in
                let pair = DifferentialPair(fast: fast, slow: slow)
                for target in [RequestStream.hit, RequestStream.otherHit] { _ = try await fast.get(target) }
                try #require(fast.answeredFast == 0)
                return try await body(pair)
            }
        }
    }

    /// Compares the answers of both.
    ///
    /// - Parameter separately: Whether the servers are made to read each segment before the next is sent.
    func compare(_ stream: RequestStream, separately: Bool = true, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let fast = try await fast.answer(to: stream, separately: separately)
        let slow = try await slow.answer(to: stream, separately: separately)
        #expect(
            fast.elementsEqual(slow),
            """
            \(stream.name)
            --- sent
            \(stream.bytes.shown)
            --- with the fast path
            \(fast.shown)
            --- without
            \(slow.shown)
            """, sourceLocation: sourceLocation)
    }
}

extension MirrorFixture {
    /// Hits that did not come from the slow path, which asks for a location each time.
    var answeredFast: Int { hits - store.locations - otherStore.locations }

    /// What comes back on a connection of its own until the server hangs up, because the client has said that it is done.
    func answer(to stream: RequestStream, separately: Bool) async throws -> [UInt8] {
        try await RawConnection.run(port: port) { connection in
            for (position, segment) in stream.segments.enumerated() {
                if position > 0, separately { try await readWhatCame() }
                await connection.send(segment)
            }
            await connection.finishSending()
            return try await connection.rest().bytes.withoutDates
        }
    }

    /// Returns once the server has read what was sent to it before.
    ///
    /// It has one event loop, which answers a second request on another connection only after a turn in which it looked at all sockets.
    func readWhatCame() async throws {
        try await RawConnection.run(port: port) { other in
            for _ in 0..<2 { _ = try await other.get("/nothing") }
        }
    }
}
