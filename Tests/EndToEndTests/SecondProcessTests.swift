import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct SecondProcessTests {
        /// What a second process shares with the one that runs: its pool's directory, or its state.
        @Test("A second process on the same pool or state refuses to start and says why", arguments: ["pool", "state"])
        func refusesToStart(shared: String) async throws {
            let settings = MirrorSettings(allow: ["https://example.org/"])
            try await MirrorProcess.run(settings) { mirror in
                var second = settings
                if shared == "pool" { second.state = "second-state" } else { second.pool = "second-pool" }
                let directory = mirror.directory
                let file = try directory.write(second.yaml(in: directory.path), to: "second.yaml")
                let result = try await Command.run(["serve", "--config", file, "--print-ready"])
                #expect(result.exit == .code(1))
                #expect(result.output == "")
                #expect(result.errors.contains(shared == "pool" ? "another process" : "in use by process"))
                #expect(result.errors.contains(directory.path))
                // The first one does not mind.
                #expect(try await mirror.send(.GET, "/readyz").status == 200)
            }
        }

        @Test("An address that is taken is a refusal to start that says so")
        func addressIsTaken() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let address = String(mirror.url.dropFirst("http://".count))
                let result = try await Command.run(["serve", "--state-dir", "\(mirror.directory.path)/other", "--listen", address])
                #expect(result.exit == .code(1))
                #expect(result.errors.lowercased().contains("in use"))
            }
        }
    }
}
