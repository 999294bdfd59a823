import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// The memory of copies into a bucket, and origins that would hold it.
    @Suite(.enabled(if: S3Server.isExpected, "no S3 server was started"), .timeLimit(.minutes(2)))
    struct S3MemoryTests {
        private static let pool = "s3/eu-central-1"

        @Test("Origins that begin to answer and say no more keep no other artifact out of a bucket")
        func silentOrigins() async throws {
            let server = try S3Server()
            let bucket = try await server.makeBucket("pool")
            try await FakeOrigin.run { one in
                try await FakeOrigin.run { other in
                    try await FakeOrigin.run { honest in
                        let gate = FakeGate()
                        var settings = MirrorSettings(allow: [one.url("/"), other.url("/"), honest.url("/")])
                        settings.morePools = ["\(Self.pool): \(server.settings(bucket, ", access: presigned"))"]
                        settings.idleTimeout = "60s"
                        // Eight parts.
                        settings.copyOptions = ["memory: 40MiB"]
                        honest.on("/a.bin", .generated(size: 20 << 20))
                        try await MirrorProcess.run(settings) { mirror async throws in
                            func redirect(_ artifact: String, wait: Int? = nil) async throws -> HTTP.Answer {
                                try await mirror.redirect(artifact, in: Self.pool, wait: wait)
                            }
                            for number in 0..<8 {
                                let origin = number < 4 ? one : other
                                origin.on("/\(number).bin", .generated(size: 20 << 20).with { $0.stall = (10, gate) })
                                _ = try await redirect(origin.url("/\(number).bin"), wait: 0)
                            }
                            try await gate.waiting(8)
                            let answer = try await redirect(honest.url("/a.bin"))
                            #expect(answer.outcome == "wait")
                            #expect(try await HTTP.send(.GET, try #require(answer.location)).body.count == 20 << 20)
                            gate.open()
                        }
                    }
                }
            }
        }
    }
}
