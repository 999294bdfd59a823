import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// A pool whose service accepts connections and says nothing.
    @Suite(.timeLimit(.minutes(1)))
    struct SilentPoolTests {
        private func run(
            _ change: (inout MirrorSettings) -> Void = { _ in },
            _ body: (_ mirror: MirrorProcess, _ service: SilentServer, _ origin: FakeOrigin) async throws -> Void
        ) async throws {
            try await FakeOrigin.run { origin async throws in
                try await SilentServer.run { service async throws in
                    var settings = MirrorSettings(allow: [origin.url("/")])
                    settings.morePools = [service.pool]
                    change(&settings)
                    try await MirrorProcess.run(settings) { try await body($0, service, origin) }
                }
            }
        }

        private func ask(
            _ artifact: String, of mirror: MirrorProcess, _ query: String = "", method: HTTPMethod = .GET
        ) async throws -> (answer: HTTP.Answer, took: Duration) {
            let began = ContinuousClock.now
            let path = "/v1/redirect/\(SilentServer.poolName)/\(PercentCoding.encode(artifact))\(query)"
            let answer = try await mirror.send(method, path)
            return (answer, began.duration(to: .now))
        }

        @Test(
            "Who does not wait, who waits and who asks for the header go to the origin in a second or two",
            arguments: ["?wait=0", "?wait=30", ""])
        func answersInTime(query: String) async throws {
            try await run { mirror, service, origin async throws in
                for method in [HTTPMethod.GET, .HEAD] {
                    let artifact = origin.url("/\(method).bin")
                    let (answer, took) = try await ask(artifact, of: mirror, query, method: method)
                    #expect(answer.status == 302)
                    #expect(answer.location == artifact)
                    #expect(answer.outcome == "fallback")
                    #expect(took < .seconds(4))
                }
                #expect(service.connectionCount > 0)
                #expect(try await mirror.metric("cloud_mirror_fallbacks_total", #"reason="silent""#, SilentServer.poolName) ?? 0 >= 1)
            }
        }

        @Test("Three hundred requests for other artifacts are all answered in their time, in bounded memory, and those that follow at once")
        func manyAtOnce() async throws {
            try await run({ $0.maxWait = "2s" }) { mirror, _, origin async throws in
                let began = ContinuousClock.now
                let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
                    for number in 0..<300 {
                        group.addTask {
                            let (answer, took) = try await ask(origin.url("/\(number).bin"), of: mirror)
                            #expect(answer.location == origin.url("/\(number).bin"))
                            return took
                        }
                    }
                    return try await group.reduce(Duration.zero) { max($0, $1) }
                }
                #expect(slowest < .seconds(4))
                #expect(began.duration(to: .now) < .seconds(5))
                // The pool is known to be silent by now.
                for number in 300..<310 {
                    let (answer, took) = try await ask(origin.url("/\(number).bin"), of: mirror)
                    #expect(answer.outcome == "fallback")
                    #expect(took < .seconds(1))
                }
                #expect(mirror.log.contains("a pool does not answer"))
                #expect(try #require(try mirror.peakMemory()) < 300 << 20)
                // The other pool has nothing to do with it.
                origin.on("/a.bin", .text("hello"))
                #expect(try await mirror.redirect(origin.url("/a.bin")).outcome == "wait")
            }
        }
    }
}
