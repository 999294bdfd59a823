import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror health` and `cloud-mirror top`.
    @Suite(.timeLimit(.minutes(1)))
    struct HealthCommandTests {
        @Test("A mirror that answers is 0, without a word; one that is not there is 69")
        func liveness() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                for arguments in [[], ["--ready"]] {
                    let well = try await Command.run(["health", "--mirror", mirror.url] + arguments)
                    #expect(well.exit == .code(0), "\(well.errors)")
                    #expect(well.output == "" && well.errors == "")
                }
                let url = mirror.url
                try await mirror.end(.terminate)
                let gone = try await Command.run(["health", "--mirror", url])
                #expect(gone.exit == .code(69))
                #expect(gone.errors.contains("cannot reach the mirror"))
            }
        }

        @Test("A mirror whose pool cannot be used is alive, but not ready, and says which component it is")
        func readiness() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                try mirror.directory.remove("pool")
                #expect(try await Command.run(["health", "--mirror", mirror.url]).exit == .code(0))
                try await eventually("it is not ready") {
                    let result = try await Command.run(["health", "--ready", "--mirror", mirror.url])
                    return result.exit == .code(1) && result.errors.contains("pool local/dev: unavailable")
                }
            }
        }

        @Test("top prints the names of its columns and as many lines as were asked for")
        func top() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                let tokenFile = try mirror.directory.write(mirror.token, to: "token")
                let result = try await Command.run(
                    ["top", "--mirror", mirror.url, "--token-file", tokenFile, "--interval", "1", "--count", "1"])
                #expect(result.exit == .code(0), "\(result.errors)")
                let lines = result.output.split(separator: "\n")
                #expect(lines.count == 2)
                #expect(lines.first?.contains("FALLBACK/S") == true)
            }
        }

        @Test("The shell is offered the names of the pools, and nothing where there is no mirror")
        func completion() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                let tokenFile = try mirror.directory.write(mirror.token, to: "token")
                // As the completion scripts ask: the option, the number of the word, the place in it, and the words.
                func offered(_ url: String) async throws -> Command.Result {
                    try await Command.run([
                        "---completion", "purge", "--", "--pool", "7", "0", "cloud-mirror", "purge", "--mirror", url, "--token-file",
                        tokenFile, "--pool", "",
                    ])
                }
                let pools = try await offered(mirror.url)
                #expect(pools.output.split(separator: "\n") == ["local/dev"], "\(pools.errors)")
                let url = mirror.url
                try await mirror.end(.terminate)
                let none = try await offered(url)
                #expect(none.output.split(separator: "\n") == [])
                #expect(none.exit == .code(0))
            }
        }

        @Test("A mistyped command says which one is meant, and is a wrong command line")
        func hint() async throws {
            let result = try await Command.run(["stast"])
            #expect(result.exit == .code(64))
            #expect(result.errors == "cloud-mirror: there is no command 'stast'. Did you mean 'stats'?\n")
        }
    }
}
