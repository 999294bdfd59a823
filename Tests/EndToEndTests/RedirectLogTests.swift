import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `log.redirects`.
    @Suite(.timeLimit(.minutes(1)))
    struct RedirectLogTests {
        private struct Line: Decodable, Equatable {
            var time = ""
            let client: String?
            let artifact: String
            let pool: String
            let bytes: Int64?
            let outcome: String
            var seconds = 0.0
        }

        private static func line(_ text: some StringProtocol) throws -> Line { try JSONDecoder().decode(Line.self, from: Data(text.utf8)) }

        private static func lines(_ path: String) throws -> [Line] {
            try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n").map { line in
                var line = try Self.line(line)
                #expect(line.time.hasSuffix("Z"))
                // Nothing that was waited for comes within a millisecond.
                #expect(line.outcome == "wait" ? line.seconds > 0 : line.seconds >= 0)
                (line.time, line.seconds) = ("", 0)
                return line
            }
        }

        private struct Plan: Decodable {
            struct Policy: Decodable {
                let hits: Int
                let copies: Int
                let redirects: Int
                let total: Double
                let readBytes: Double
            }

            let requests: Int
            let artifacts: Int
            let unreadableLines: Int
            let policies: [String: Policy]
        }

        @Test("Each GET has a line, also those answered from memory; a rotated file is let go at a reload; plan reads them")
        func log() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/redirects.log"
            try await FakeOrigin.run { files in
                try await FakeOrigin.run { origin in
                    origin.on("/a.bin", .generated(size: 2_000_000, seed: 73))
                    files.on("/b.whl", .generated(size: 3_000_000, seed: 74))
                    var settings = MirrorSettings(allow: [origin.url("/")])
                    settings.logOptions = ", redirects: \(path)"
                    settings.moreOrigins = [
                        "named:", "  pip: {url: \"\(origin.url("/"))\", preset: python, links: [\"\(files.url("/"))\"]}",
                    ]
                    let secret = "X-Amz-Signature=0123456789abcdef"
                    let query = "token=a-secret-of-a-test"
                    let named = "/o/pip/~127.0.0.1:\(files.port)/b.whl"
                    let queried = origin.url("/a.bin?\(query)")
                    try await MirrorProcess.run(settings) { mirror async throws in
                        let artifact = origin.url("/a.bin")
                        #expect(try await mirror.redirect("\(artifact)?\(secret)").outcome == "wait")
                        for _ in 0..<6 { #expect(try await mirror.redirect(artifact).outcome == "hit") }
                        #expect(try await mirror.redirect(artifact, .HEAD).outcome == "hit")
                        #expect(try await mirror.redirect(queried).outcome == "wait")
                        #expect(try await mirror.redirect(origin.url("/missing")).status == 404)
                        #expect(try await mirror.redirect("http://example.org/").status == 403)
                        try FileManager.default.moveItem(atPath: path, toPath: "\(path).1")
                        #expect(try await mirror.reload())
                        for outcome in ["wait", "hit", "hit", "hit", "hit"] {
                            #expect(try await mirror.send(.GET, named).outcome == outcome)
                        }
                        #expect(try await mirror.end(.terminate) == .code(0))
                    }
                    func line(_ artifact: String, _ bytes: Int64?, _ outcome: String) -> Line {
                        Line(client: "127.0.0.0/24", artifact: artifact, pool: MirrorProcess.pool, bytes: bytes, outcome: outcome)
                    }
                    let (a, hash) = (origin.url("/a.bin"), ArtifactURL.nameHash(of: queried).prefix(16))
                    let hits = Array(repeating: line(a, 2_000_000, "hit"), count: 6)
                    #expect(
                        try Self.lines("\(path).1") == [line(a, 2_000_000, "wait")] + hits + [
                            line("\(a)?…\(hash)", 2_000_000, "wait"), line(origin.url("/missing"), nil, "error"),
                        ])
                    let b = files.url("/b.whl")
                    #expect(
                        try Self.lines(path) == [line(b, 3_000_000, "wait")] + Array(repeating: line(b, 3_000_000, "hit"), count: 4))

                    // A dollar for each MiB from the origin, and none for what is kept.
                    let set = #"{"originGet": 0, "part": 268435456, "default": {"egress": 1024, "storage": 0, "put": 0, "get": 0}}"#
                    let prices = try directory.write(set, to: "prices.json")
                    let result = try await Command.run(["plan", "--trace", path, "\(path).1", "--prices", prices, "--json"])
                    #expect(result.exit == .code(0), "\(result.errors)")
                    let plan = try result.json(Plan.self)
                    #expect(plan.requests == 13 && plan.artifacts == 3 && plan.unreadableLines == 0)
                    for policy in ["store", "hazard"] {
                        #expect(plan.policies[policy].map { [$0.copies, $0.hits, $0.redirects] } == [3, 10, 0], "\(policy)")
                    }
                    let never = try #require(plan.policies["never"])
                    #expect(never.readBytes == 31_000_000)
                    #expect(abs(never.total - 31_000_000 / 1_048_576) < 1e-9)
                }
            }
        }

        @Test("A reload that is refused keeps writing to the renamed file, until one is accepted")
        func refusedReload() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/redirects.log"
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 20_000, seed: 76))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logOptions = ", redirects: \(path)"
                let good = settings
                settings.more = ["nonsense: 1"]
                let wrong = settings
                try await MirrorProcess.run(good) { mirror async throws in
                    let artifact = origin.url("/a.bin")
                    #expect(try await mirror.redirect(artifact).outcome == "wait")
                    try FileManager.default.moveItem(atPath: path, toPath: "\(path).1")
                    #expect(try await !mirror.reload(wrong))
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    #expect(try await mirror.reload(good))
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    #expect(try await mirror.end(.terminate) == .code(0))
                }
                #expect(try Self.lines("\(path).1").map(\.outcome) == ["wait", "hit"])
                #expect(try Self.lines(path).map(\.outcome) == ["hit"])
            }
        }

        @Test("Lines on standard output have the network of the client and how long it took, and survive a reload")
        func standardOutput() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 20_000, seed: 75))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logOptions = ", redirects: stdout"
                settings.more = ["selection: {trustedProxies: [127.0.0.0/8]}"]
                let artifact = origin.url("/a.bin")
                try await MirrorProcess.run(settings) { mirror async throws in
                    let began = ContinuousClock.now
                    #expect(try await mirror.redirect(artifact, from: "203.0.113.77").outcome == "wait")
                    let took = began.duration(to: .now).inSeconds
                    // Some of them are answered from memory.
                    for _ in 0..<5 { #expect(try await mirror.redirect(artifact, from: "2001:db8:1:2::3").outcome == "hit") }
                    #expect(try await mirror.reload())
                    #expect(try await mirror.redirect(artifact, from: "203.0.113.255").outcome == "hit")
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    var lines: [Line] = []
                    for _ in 0..<8 { lines.append(try await Self.line(mirror.outputLine())) }
                    let six = "2001:db8:1::/48"
                    #expect(lines.map(\.client) == ["203.0.113.0/24", six, six, six, six, six, "203.0.113.0/24", "127.0.0.0/24"])
                    #expect(lines.map(\.outcome) == ["wait"] + Array(repeating: "hit", count: 7))
                    #expect(lines.allSatisfy { $0.artifact == artifact && $0.bytes == 20_000 })
                    let first = try #require(lines.first)
                    #expect(first.seconds > 0 && first.seconds <= took, "\(first.seconds) of \(took)")
                    #expect(try await mirror.end(.terminate) == .code(0))
                }
            }
        }

        @Test("Clients that wait together have a line each, with their own network")
        func together() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", FakeBehavior.generated(size: 20_000, seed: 76).with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logOptions = ", redirects: stdout"
                settings.more = ["selection: {trustedProxies: [127.0.0.0/8]}"]
                let artifact = origin.url("/a.bin")
                try await MirrorProcess.run(settings) { mirror async throws in
                    let clients = ["203.0.113.77", "198.51.100.1", "2001:db8:1:2::3"]
                    let lines = try await withThrowingTaskGroup(of: String?.self) { group in
                        for client in clients { group.addTask { try await mirror.redirect(artifact, from: client).outcome } }
                        try await mirror.waiting(clients.count)
                        gate.open()
                        for try await outcome in group { #expect(outcome == "wait") }
                        var lines: [Line] = []
                        for _ in clients { lines.append(try await Self.line(mirror.outputLine())) }
                        return lines
                    }
                    #expect(Set(lines.map(\.client)) == ["203.0.113.0/24", "198.51.100.0/24", "2001:db8:1::/48"])
                    #expect(lines.allSatisfy { $0.outcome == "wait" && $0.bytes == 20_000 && $0.seconds > 0 })
                }
            }
        }

        @Test("A file that cannot be opened keeps the mirror from starting, and says why")
        func unopened() async throws {
            let files = try TemporaryDirectory()
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            settings.logOptions = ", redirects: \(files.path)/missing/redirects.log"
            try files.write(settings.yaml(in: files.path), to: "config.yaml")
            let result = try await Command.run(["serve", "--config", "\(files.path)/config.yaml"])
            #expect(result.exit != .code(0))
            #expect(result.errors.contains("log.redirects: \(files.path)/missing/redirects.log: "), "\(result.errors)")
        }
    }
}
