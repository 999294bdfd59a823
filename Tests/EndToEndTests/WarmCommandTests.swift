import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// What `cloud-mirror warm` and `purge` say of what became of it.
    @Suite(.timeLimit(.minutes(1)))
    struct WarmCommandTests {
        private func admin(_ mirror: MirrorProcess, _ arguments: [String]) async throws -> Command.Result {
            try await Command.run(arguments, environment: ["CLOUD_MIRROR_URL": mirror.url, "CLOUD_MIRROR_TOKEN": mirror.token])
        }

        private struct Report: Decodable {
            let counts: [String: Int]
            let replicas: [Item]

            struct Item: Decodable {
                let url: String
                let state: String
                let error: String?
            }
        }

        @Test("What is refused is counted as that, named with its reason, and is exit code 1; the rest is taken")
        func refused() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .text("a"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let others = ["https://example.org/1", "https://example.org/2"]
                    let all = try await admin(mirror, ["warm"] + others)
                    #expect(all.exit == .code(1))
                    #expect(all.output == "2 artifacts: 2 refused\n")
                    for url in others { #expect(all.errors.contains("refused: \(url) in local/dev: "), "\(all.errors)") }
                    #expect(all.errors.contains("the mirror did not accept 2 of 2"))

                    let some = try await admin(mirror, ["warm", "--json", origin.url("/a.bin"), others[0]])
                    #expect(some.exit == .code(1))
                    let report = try some.json(Report.self)
                    #expect(report.counts == ["pending": 1, "refused": 1])
                    #expect(report.replicas.map(\.state) == ["pending", "refused"])
                    #expect(report.replicas[1].error?.isEmpty == false)
                    try await eventually("the copy is there") { try await mirror.replica(origin.url("/a.bin"))?.state == "present" }

                    let present = try await admin(mirror, ["warm", origin.url("/a.bin")])
                    #expect(present.exit == .code(0))
                    #expect(present.output == "1 artifact: 1 present\n")
                    #expect(present.errors == "")
                }
            }
        }

        @Test("What the queue has no place for is not taken")
        func queueFull() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                for name in ["1", "2", "3"] { origin.on("/\(name)", .text("a").with { $0.gate = gate }) }
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.copyOptions = ["maxQueued: 1"]
                try await MirrorProcess.run(settings) { mirror in
                    let result = try await admin(mirror, ["warm"] + ["/1", "/2", "/3"].map(origin.url))
                    #expect(result.exit == .code(1))
                    #expect(result.output == "3 artifacts: 1 pending, 2 queue full\n")
                    #expect(result.errors.contains("queue full: http"))
                    #expect(result.errors.contains("the mirror did not accept 2 of 3"))
                    gate.open()
                }
            }
        }

        @Test("A failure that is remembered is named with what it was")
        func remembered() async throws {
            try await FakeOrigin.run { origin in
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    #expect(try await mirror.redirect(origin.url("/missing")).status == 404)
                    let result = try await admin(mirror, ["warm", origin.url("/missing")])
                    #expect(result.exit == .code(1))
                    #expect(result.output == "1 artifact: 1 error\n")
                    #expect(result.errors.contains("404"))
                }
            }
        }

        @Test("What one call refused is shown although the next call fails")
        func brokenOff() async throws {
            try await FakeOrigin.run { other in
                let item = #"{"url":"https://example.org/1","pool":"local/dev","state":"refused","error":"not allowed"}"#
                other.on("/v1/warm", .text(#"{"replicas":[\#(item)]}"#), .status(503))
                let directory = try TemporaryDirectory()
                let list = (1...1_001).map { "https://example.org/\($0)" }.joined(separator: "\n")
                let result = try await Command.run(
                    ["warm", "--from", try directory.write(list, to: "list"), "--mirror", other.url("/")])
                #expect(result.exit == .code(1))
                #expect(result.output == "1001 artifacts: 1 refused\n")
                #expect(result.errors.contains("refused: https://example.org/1 in local/dev: not allowed"), "\(result.errors)")
                #expect(result.errors.contains("answered with status 503"), "\(result.errors)")
                #expect(other.requests(for: "/v1/warm").count == 2)
            }
        }

        @Test(
            "URLs come from a file or from standard input, more of them than one call takes",
            arguments: ["--from FILE", "--from - <FILE", "- <FILE"])
        func list(arguments: String) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .text("a"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let refused = (1...10_050).map { "https://example.org/\($0)" }.joined(separator: "\r\n")
                    let file = try mirror.directory.write("# a list\n\n  \(origin.url("/a.bin"))\n\(refused)\nno url\n", to: "list")
                    let line = "'\(try TestEnvironment.executable())' warm \(arguments.replacing("FILE", with: "'\(file)'"))"
                    let process = try await ChildProcess.start(
                        "/bin/sh", ["-c", line], environment: ["CLOUD_MIRROR_URL": mirror.url, "CLOUD_MIRROR_TOKEN": mirror.token],
                        errorFile: "\(mirror.directory.path)/errors")
                    let (exit, output) = try await process.end()
                    #expect(exit == .code(1))
                    #expect(output == "10051 artifacts: 1 pending, 10050 refused\n")
                    let errors = String(decoding: try mirror.directory.read("errors"), as: UTF8.self)
                    #expect(errors.contains(":10054: not a URL"), "\(errors.prefix(300))")
                    #expect(errors.contains("refused: https://example.org/10050 in local/dev"))
                }
            }
        }

        @Test("A command line without URLs is wrong, and a file that is not there is an error; an empty one is not")
        func nothing() async throws {
            #expect(try await Command.run(["warm"]).exit == .code(64))
            #expect(try await Command.run(["warm", "no url"]).exit == .code(64))
            let missing = try await Command.run(["warm", "--from", "/nowhere/list"])
            #expect(missing.exit == .code(1))
            #expect(missing.errors.contains("/nowhere/list cannot be read"))
            let directory = try TemporaryDirectory()
            let empty = try await Command.run(["warm", "--from", try directory.write("# nothing\n", to: "list")])
            #expect(empty.exit == .code(0))
            #expect(empty.output == "0 artifacts\n")
        }

        private struct Purged: Decodable, Equatable {
            let url: String
            let removed: [Item]

            struct Item: Decodable, Equatable {
                let pool: String
                let state: String
            }
        }

        @Test("purge says what was there, and that there was nothing")
        func purge() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .text("a"))
                let artifact = origin.url("/a.bin")
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let nothing = try await admin(mirror, ["purge", artifact])
                    #expect(nothing.exit == .code(0))
                    #expect(nothing.output == "nothing to purge: \(artifact) is not in any pool\n")
                    #expect(try await admin(mirror, ["purge", artifact, "--json"]).json() == Purged(url: artifact, removed: []))
                    #expect(try await mirror.redirect(artifact).outcome == "wait")
                    let purged = try await admin(mirror, ["purge", artifact, "--pool", "local/dev"])
                    #expect(purged.output == "purged \(artifact) from local/dev (present)\n")
                    #expect(try await mirror.redirect(artifact).outcome == "wait")
                    let json = try await admin(mirror, ["purge", artifact, "--json"])
                    #expect(try json.json() == Purged(url: artifact, removed: [.init(pool: "local/dev", state: "present")]))
                    #expect(try await mirror.admin(.DELETE, "/v1/purge/local/dev/x").status == 400)
                }
            }
        }

        @Test(
            "What is not a mirror is not taken for one that has nothing",
            arguments: [["stats"], ["pools"], ["replicas"], ["warm", "https://example.org/a"], ["purge", "https://example.org/a"]])
        func notAMirror(command: [String]) async throws {
            try await FakeOrigin.run { other in
                for path in ["/v1/stats", "/v1/pools", "/v1/replicas", "/v1/warm", "/v1/purge/https%3A%2F%2Fexample.org%2Fa"] {
                    other.on(path, .text("<html>log in</html>"), .redirect(to: "/login"))
                }
                for words in ["does not look like a cloud-mirror", "redirects this call elsewhere"] {
                    let result = try await Command.run(command + ["--mirror", other.url("/")])
                    #expect(result.exit == .code(1), "\(result.output)")
                    #expect(result.output == "")
                    #expect(result.errors.contains(words), "\(result.errors)")
                }
            }
        }
    }
}
