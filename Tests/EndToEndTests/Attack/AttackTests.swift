import MirrorCore
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Attacks on the whole executable, each with a figure; `make attack` shows them as a table.
    @Suite(.timeLimit(.minutes(10)))
    struct AttackTests {
        /// A byte a second, for as long as anybody listens.
        private static let dripping = FakeBehavior.generated(size: 1 << 20).with {
            $0.acceptsRanges = false
            $0.chunkSize = 1
            $0.pause = .seconds(1)
        }

        private static func target(_ artifact: String) -> String { "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(artifact))" }

        @Test("While a crowd of hostile clients does what it can, an honest one gets what it asks for, in time, and memory stays small")
        func crowd() async throws {
            let count = AttackFigures.clients
            try DescriptorLimit.raise(to: count + 3_000)
            try await FakeOrigin.run { slow in
                try await FakeOrigin.run { good in
                    slow.on(everything: { _ in Self.dripping })
                    good.on(everything: { request in .generated(size: 200_000, seed: UInt64(request.path.utf8.count)) })
                    var settings = MirrorSettings(allow: [slow.url("/"), good.url("/")])
                    settings.maxConnections = 20_000
                    settings.patience = "10s"
                    settings.logLevel = "warning"
                    try await MirrorProcess.run(settings) { mirror async throws in
                        let honest = HonestClient(mirror: mirror, origin: good)
                        try await honest.prepare()
                        let alone = try await honest.ask(hot: 20, cold: 3, round: "alone")
                        let slowURL = slow.url("/")
                        let hostile = HostileClients(url: mirror.url, hot: Self.target(good.url("/hot.bin"))) {
                            Self.target("\(slowURL)\($0).bin")
                        }
                        let kinds = HostileClients.Kind.allCases
                        for kind in kinds { hostile.start(kind, count / kinds.count, over: .seconds(AttackFigures.isWhole ? 15 : 4)) }
                        let seen: HonestClient.Seen
                        let open: Int
                        do {
                            try await eventually("each hostile client has connected once, or was refused", within: .seconds(90)) {
                                kinds.allSatisfy { kind in
                                    let counts = hostile.counts(kind)
                                    return counts.connected + counts.refused >= count / kinds.count
                                }
                            }
                            open = hostile.open
                            seen = try await honest.ask(hot: 100, cold: 10, round: "attacked")
                        } catch {
                            try await hostile.stop()
                            throw error
                        }
                        let counts = kinds.map { "\($0.rawValue): \(hostile.counts($0))" }
                        try await hostile.stop()
                        let memory = try #require(try mirror.peakMemory())
                        let coldLimit = alone.slowestCold + AttackFigures.coldLimit
                        let who = "\(count) hostile clients, \(open) connected"
                        AttackFigures.report(
                            "\(who): 100 hot requests, the slowest", AttackFigures.milliseconds(seen.slowestHot),
                            limit: AttackFigures.milliseconds(AttackFigures.hotLimit))
                        AttackFigures.report(
                            "\(who): 10 cold requests, the slowest", AttackFigures.milliseconds(seen.slowestCold),
                            limit: AttackFigures.milliseconds(coldLimit))
                        AttackFigures.report("\(who): memory at most", AttackFigures.mebibytes(memory), limit: "512 MiB")
                        if AttackFigures.isWhole { print(counts.joined(separator: "\n")) }
                        #expect(seen.failures.isEmpty, "\(seen.failures.prefix(5))")
                        #expect(seen.hot.count == 100 && seen.cold.count == 10)
                        #expect(seen.slowestHot < AttackFigures.hotLimit)
                        #expect(seen.slowestCold < coldLimit)
                        #expect(memory < 512 << 20)
                    }
                }
            }
        }

        @Test("Who asks for what is hot and reads nothing is hung up on")
        func unreadAnswers() async throws {
            let count = 200
            try DescriptorLimit.raise(to: 3_000)
            try await FakeOrigin.run { origin in
                origin.on("/hot.bin", .generated(size: 1_000))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.patience = "2s"
                try await MirrorProcess.run(settings) { mirror async throws in
                    let honest = HonestClient(mirror: mirror, origin: origin)
                    try await honest.prepare()
                    let before = try #require(try mirror.peakMemory())
                    let hostile = HostileClients(url: mirror.url, hot: Self.target(origin.url("/hot.bin"))) { _ in "/" }
                    hostile.start(.unreadAnswers, count, over: .seconds(1))
                    let began = ContinuousClock.now
                    do {
                        try await eventually("each was hung up on once", within: .seconds(30)) {
                            hostile.counts(.unreadAnswers).hungUpOn >= count
                        }
                    } catch {
                        try await hostile.stop()
                        throw error
                    }
                    let took = began.duration(to: .now)
                    try await hostile.stop()
                    let grown = try #require(try mirror.peakMemory()) - before
                    AttackFigures.report(
                        "\(count) clients read no answers: all are hung up on after", AttackFigures.milliseconds(took),
                        limit: "30 s, of 2 s of patience")
                    AttackFigures.report(
                        "\(count) clients read no answers: memory grows by", AttackFigures.mebibytes(grown), limit: "64 MiB")
                    #expect(grown < 64 << 20)
                }
            }
        }

        @Test(
            "An origin that answers with what is no HTTP ends nothing",
            arguments: ["007 OK", "000 ", "099 OK", "101 Switching Protocols", "100 Continue"])
        func noAnswer(status: String) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", FakeBehavior().with { $0.raw = Array("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n".utf8) })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror async throws in
                    let artifact = origin.url("/a.bin")
                    for wait in [0, 5] {
                        let answer = try await mirror.redirect(artifact, wait: wait)
                        #expect(answer.status == 302 && answer.location == artifact, "\(answer.status) \(answer.text)")
                    }
                    _ = try await origin.request(1, for: "/a.bin")
                    #expect(try await mirror.send(.GET, "/healthz").status == 200)
                    AttackFigures.report("an origin answers \(status.trimmingCharacters)", "the process lives", limit: "it lives")
                }
            }
        }
    }
}

extension String {
    fileprivate var trimmingCharacters: String { split(separator: " ").joined(separator: " ") }
}
