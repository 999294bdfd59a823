import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// What one client network, and one origin, can take from the others.
    @Suite(.timeLimit(.minutes(2)))
    struct BudgetTests {
        private static let trusting = "selection: {trustedProxies: [127.0.0.0/8], default: local/dev}"
        private static let (flooder, honest) = ("192.0.2.1", "198.51.100.7")

        private func settings(_ origin: FakeOrigin, _ limits: String) -> MirrorSettings {
            var settings = MirrorSettings(allow: [origin.url("/")])
            settings.redirectOptions = ["coldClaims: {\(limits)}"]
            settings.more = [Self.trusting]
            return settings
        }

        private func stats(_ mirror: MirrorProcess) async throws -> MirrorProcess.Stats {
            try await mirror.admin(.GET, "/v1/stats").json(MirrorProcess.Stats.self)
        }

        @Test("A flood of made-up artifacts from one address goes to the origin at once, and another address gets its copies")
        func coldFlood() async throws {
            try await FakeOrigin.run { origin in
                for number in 0..<10 { origin.on("/\(number).bin", .generated(size: 50_000, seed: UInt64(number))) }
                try await MirrorProcess.run(settings(origin, "perSecond: 5, burst: 20")) { mirror async throws in
                    let began = ContinuousClock.now
                    let outcomes = try await withThrowingTaskGroup(of: (HTTP.Answer, String).self) { group in
                        for number in 0..<300 {
                            let artifact = origin.url("/flood-\(number).bin")
                            group.addTask { (try await mirror.redirect(artifact, wait: 0, from: Self.flooder), artifact) }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    let seconds = began.duration(to: .now).inSeconds
                    // Every one is redirected to its origin, with no error that the origin would not have given.
                    for (answer, artifact) in outcomes {
                        guard answer.status != 404 else { continue }
                        #expect(answer.status == 302)
                        #expect(answer.location == artifact)
                    }
                    let refused = try #require(try await mirror.metric("cloud_mirror_over_budget_total", "budget=\"claims\""))
                    #expect(refused >= 300 - 20 - 5 * (seconds + 1))
                    #expect(origin.requests.count <= Int(20 + 5 * (seconds + 1)))
                    for number in 0..<10 {
                        let began = ContinuousClock.now
                        #expect(try await mirror.redirect(origin.url("/\(number).bin"), from: Self.honest).outcome == "wait")
                        // The time of its own copy, on a machine that has other things to do.
                        #expect(began.duration(to: .now) < .seconds(10))
                    }
                    // What is there costs nothing.
                    #expect(try await mirror.redirect(origin.url("/0.bin"), from: Self.flooder).outcome == "hit")
                    let lines = mirror.log.split(separator: "\n").filter { $0.contains("a client network has used up its budget") }
                    #expect((1...2 + Int(seconds) / 10).contains(lines.count), "\(lines)")
                    #expect(lines.allSatisfy { $0.contains(Self.flooder) })
                }
            }
        }

        @Test(
            "300 HEADs that differ in a made-up parameter start as many copies as the budget has, and one where the rule lists parameters")
        func madeUpParameters() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/big.bin", .generated(size: 1_000_000))
                var limited = settings(origin, "perSecond: 1, burst: 10")
                for isListed in [false, true] {
                    if isListed { limited.allow = ["{prefix: \"\(origin.url("/"))\", query: [version]}"] }
                    try await MirrorProcess.run(limited) { mirror async throws in
                        let began = ContinuousClock.now
                        try await withThrowingTaskGroup(of: Int.self) { group in
                            for number in 0..<300 {
                                group.addTask {
                                    try await mirror.redirect(origin.url("/big.bin?x=\(number)"), .HEAD, from: Self.flooder).status
                                }
                            }
                            for try await status in group { #expect([200, 302].contains(status)) }
                        }
                        let seconds = began.duration(to: .now).inSeconds
                        try await eventually("nothing is queued") {
                            try await stats(mirror).origins.allSatisfy { $0.queued + $0.running == 0 }
                        }
                        let objects = try mirror.objects().count
                        #expect(isListed ? objects == 1 : (1...Int(12 + seconds)).contains(objects), "\(objects)")
                    }
                }
            }
        }

        @Test("A network whose copies were larger than its bytes a minute gets no more of them, and another one does")
        func bytes() async throws {
            try await FakeOrigin.run { origin in
                for number in 0..<6 { origin.on("/\(number).bin", .generated(size: 2_000_000, seed: UInt64(number))) }
                try await MirrorProcess.run(settings(origin, "bytesPerMinute: 3MB")) { mirror async throws in
                    for number in 0..<2 {
                        #expect(try await mirror.redirect(origin.url("/\(number).bin"), from: Self.flooder).outcome == "wait")
                    }
                    try await eventually("they are charged") { try await stats(mirror).coldClaims.networks == [Self.flooder] }
                    let refused = try await mirror.redirect(origin.url("/2.bin"), from: Self.flooder)
                    #expect(refused.outcome == "fallback")
                    #expect(refused.location == origin.url("/2.bin"))
                    #expect(origin.requests(for: "/2.bin").isEmpty)
                    #expect(try await mirror.redirect(origin.url("/2.bin"), from: Self.honest).outcome == "wait")
                    #expect(try await mirror.redirect(origin.url("/2.bin"), from: Self.flooder).outcome == "hit")
                    let table = try await Command.run(["stats", "--mirror", mirror.url], environment: ["CLOUD_MIRROR_TOKEN": mirror.token])
                    #expect(table.output.contains(Self.flooder), "\(table.output)")
                }
            }
        }

        @Test("One origin fills its part of the queue, and others have theirs")
        func queuePerOrigin() async throws {
            try await FakeOrigin.run { busy in
                try await FakeOrigin.run { quiet in
                    let gate = FakeGate()
                    busy.on(everything: { _ in FakeBehavior.text("hello").with { $0.gate = gate } })
                    for number in 0..<5 { quiet.on("/\(number).bin", .generated(size: 10_000)) }
                    var settings = MirrorSettings(allow: [busy.url("/"), quiet.url("/")])
                    settings.copyOptions = ["maxQueued: 100", "maxQueuedPerOrigin: 20"]
                    try await MirrorProcess.run(settings) { mirror async throws in
                        for number in 0..<40 {
                            #expect(try await mirror.redirect(busy.url("/\(number).bin"), wait: 0).outcome == "fallback")
                        }
                        let origin = try #require(try await stats(mirror).origins.first { $0.origin == "http://127.0.0.1:\(busy.port)" })
                        #expect(origin.queued + origin.running == 20)
                        #expect(try await mirror.replica(busy.url("/39.bin")) == nil)
                        for number in 0..<5 { #expect(try await mirror.redirect(quiet.url("/\(number).bin")).outcome == "wait") }
                        gate.open()
                    }
                }
            }
        }

        @Test("Of URLs of 7.5 KB the log has some 512 bytes a time, with a hash to search for")
        func longURLs() async throws {
            try await FakeOrigin.run { origin in
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logLevel = "info"
                settings.maxAttempts = 1
                try await MirrorProcess.run(settings) { mirror async throws in
                    let before = mirror.log.utf8.count
                    let count = 30
                    func artifact(_ number: Int) -> String { origin.url("/\(number)/\(String(repeating: "a%20", count: 1_850))") }
                    for number in 0..<count { _ = try await mirror.redirect(artifact(number)) }
                    let log = mirror.log
                    let perRequest = (log.utf8.count - before) / count
                    #expect(perRequest < 2_500, "\(perRequest) bytes a request")
                    for line in log.split(separator: "\n") { #expect(line.utf8.count < 2_000) }
                    // What people do: printf %s URL | sha256sum.
                    let hash = ObjectKey(try ArtifactURL(artifact(7))).hash.prefix(16)
                    #expect(log.contains("[sha256:\(hash)]"))
                }
            }
        }
    }
}
