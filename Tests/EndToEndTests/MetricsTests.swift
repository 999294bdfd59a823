import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct MetricsTests {
        @Test("After one copy and two hits the metrics and statistics say what crossed the regions and what did not")
        func story() async throws {
            let size = 1_500_000.0
            try await FakeOrigin.run { origin in
                origin.on("/firefox-50.tar.bz2", .generated(size: Int64(size), seed: 41))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/firefox-50.tar.bz2")
                    let pool = "pool=\"local/dev\""
                    #expect(try await mirror.redirect(artifact).outcome == "wait")
                    #expect(try await mirror.metric("cloud_mirror_egress_avoided_bytes_total", pool) == 0)
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    #expect(try await mirror.metric("cloud_mirror_egress_avoided_bytes_total", pool) == size)
                    // Through the fast path, which counts on its own.
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    #expect(try await mirror.metric("cloud_mirror_egress_avoided_bytes_total", pool) == 2 * size)
                    #expect(try await mirror.metric("cloud_mirror_redirects_total", pool, "outcome=\"wait\"") == 1)
                    #expect(try await mirror.metric("cloud_mirror_redirects_total", pool, "outcome=\"hit\"") == 2)
                    #expect(try await mirror.metric("cloud_mirror_redirects_total", pool, "outcome=\"fallback\"") == 0)
                    #expect(try await mirror.metric("cloud_mirror_copy_bytes_total", pool) == size)
                    #expect(try await mirror.metric("cloud_mirror_copies_total", pool, "result=\"present\"") == 1)
                    #expect(try await mirror.metric("cloud_mirror_copies_total", pool, "result=\"error\"") == 0)
                    #expect(try await mirror.metric("cloud_mirror_pool_bytes", pool) == size)
                    #expect(try await mirror.metric("cloud_mirror_pool_objects", pool) == 1)
                    #expect(try await mirror.metric("cloud_mirror_redirect_wait_seconds_count", pool) == 1)
                    #expect(try await mirror.metric("cloud_mirror_copy_duration_seconds_count", pool) == 1)

                    let stats = try await mirror.admin(.GET, "/v1/stats").json(MirrorProcess.Stats.self)
                    #expect(stats.redirects["wait"] == 1)
                    #expect(stats.redirects["hit"] == 2)
                    #expect(stats.copies["present"] == 1)
                    #expect(stats.copiedBytes == Int64(size))
                    #expect(stats.egressAvoidedBytes == 2 * Int64(size))
                    #expect(stats.waiting == 0)
                }
            }
        }
    }
}
