import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Several pools of one service.
    @Suite(.enabled(if: S3Server.isExpected, "no S3 server was started"), .timeLimit(.minutes(2)))
    struct S3PoolsTests {
        /// One that the service copies in one request, and one that it copies in parts, whose digest it does not know.
        private static let artifacts: [(path: String, size: Int64)] = [("/small.bin", 100_000), ("/large.bin", 66 << 20)]

        /// Two pools, `s3/a` and `s3/b`, of which the second gets artifacts that the first has.
        ///
        /// - Parameter body: Gets what locations in the second one begin with, too.
        private func run(_ body: @Sendable (MirrorProcess, FakeOrigin, String) async throws -> Void) async throws {
            let server = try S3Server()
            let (first, second) = (try await server.makeBucket("first"), try await server.makeBucket("second"))
            try await FakeOrigin.run { origin async throws in
                for (path, size) in Self.artifacts {
                    origin.on(path, FakeBehavior.generated(size: size).with { $0.headers = [("Content-Type", "application/wasm")] })
                }
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.morePools = [("s3/a", first), ("s3/b", second)].map { pool, bucket in
                    "\(pool): \(server.settings(bucket, ", access: presigned"))"
                }
                try await MirrorProcess.run(settings) { mirror async throws in
                    try await body(mirror, origin, "\(server.url)/\(second)/")
                }
            }
        }

        @Test("What one pool has is copied into the other by the service: no byte through the mirror, and no request to the origin")
        func fromPoolToPool() async throws {
            try await run { mirror, origin, locations async throws in
                for (path, size) in Self.artifacts {
                    let body = FakeBody.generated(size: size, seed: 1)
                    #expect(try await mirror.redirect(origin.url(path), in: "s3/a").outcome == "wait")
                    let requests = origin.requests.count
                    let answer = try await mirror.redirect(origin.url(path), in: "s3/b")
                    #expect(answer.outcome == "wait")
                    #expect(answer.headers.first(name: "Repr-Digest") == (try body.sha256.fieldValue))
                    #expect(origin.requests.count == requests)
                    let location = try #require(answer.location)
                    #expect(location.hasPrefix(locations))
                    let object = try await HTTP.send(.GET, location)
                    #expect(object.headers.first(name: "Content-Type") == "application/wasm")
                    let isSame = object.body == body.bytes(0..<size)
                    #expect(isSame)
                }
                let bytes = Self.artifacts.reduce(0) { $0 + Int($1.size) }
                try await eventually("the copies are counted") { try await mirror.copiedByService(into: "s3/b", from: "replica") == bytes }
                #expect(try await mirror.copiedByService(into: "s3/b", from: "origin") == 0)
                #expect(try await mirror.metric("cloud_mirror_copy_bytes_total", "pool=\"s3/b\"") ?? 0 == 0)
            }
        }

        @Test("An object that somebody has replaced in one pool is not copied into the other: the origin is asked")
        func replaced() async throws {
            let server = try S3Server()
            try await run { mirror, origin, _ async throws in
                let home = try await mirror.redirect(origin.url("/small.bin"), in: "s3/a")
                let name = String(try #require(home.location).dropFirst("\(server.url)/".count).prefix { $0 != "?" })
                let (bucket, key) = (String(name.prefix { $0 != "/" }), String(name.drop { $0 != "/" }.dropFirst()))
                try await server.put([7, 7, 7], key, in: bucket)
                let requests = origin.requests.count
                let answer = try await mirror.redirect(origin.url("/small.bin"), in: "s3/b")
                #expect(answer.outcome == "wait")
                #expect(origin.requests.count > requests)
                let object = try await HTTP.send(.GET, try #require(answer.location))
                let isSame = object.body == FakeBody.generated(size: 100_000, seed: 1).bytes(0..<100_000)
                #expect(isSame)
            }
        }
    }
}
