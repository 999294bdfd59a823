import AsyncHTTPClient
import Crypto
import Foundation
import MirrorCore
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `make test-large`: minutes, and twice 5 GiB of disk.
    @Suite(
        .enabled(
            if: ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_LARGE"] == "1", "takes minutes; `make test-large` runs it"),
        .timeLimit(.minutes(20)))
    struct LargeObjectTests {
        private static let size: Int64 = 5 << 30
        /// Bytes: what the mirror may take while it copies.
        private static let memory: Int64 = 128 << 20

        @Test("An object of 5 GiB gets into a bucket, whole and in bounded memory", arguments: ["bytes", "none"])
        func large(ranges: String) async throws {
            let server = try S3Server()
            let pool = try await server.makeBucket("large")
            try await FakeOrigin.run { origin async throws in
                let behavior = FakeBehavior.generated(size: Self.size, seed: 9).with { $0.acceptsRanges = ranges == "bytes" }
                origin.on("/large.bin", behavior)
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.morePools = ["s3/eu-central-1: \(server.settings(pool, ", access: presigned"))"]
                settings.maxWait = "0s"
                settings.idleTimeout = "60s"
                settings.partSize = "16MiB"
                settings.logLevel = "info"
                try await MirrorProcess.run(settings) { mirror async throws in
                    let path = "/v1/redirect/s3/eu-central-1/\(PercentCoding.encode(origin.url("/large.bin")))"
                    let location = try await eventually("the copy is there", within: .seconds(900)) {
                        let answer = try await mirror.send(.GET, path)
                        return answer.outcome == "hit" ? answer.location : nil
                    }
                    let response = try await HTTP.open(.GET, location, timeout: .minutes(15))
                    var hash = SHA256()
                    var count: Int64 = 0
                    for try await chunk in response.body {
                        chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
                        count += Int64(chunk.readableBytes)
                    }
                    #expect(count == Self.size)
                    #expect(try Digest(.sha256, bytes: Array(hash.finalize())) == behavior.body.sha256)
                    let peak = try #require(try mirror.peakMemory())
                    #expect(peak < Self.memory, "\(peak >> 20) MiB")
                    print("peak memory of the mirror with \(ranges == "bytes" ? "ranges" : "one stream"): \(peak >> 20) MiB")
                }
            }
        }
    }
}
