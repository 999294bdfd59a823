import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror warm`, `purge`, `replicas`, `pools`, `stats` and `check-config`.
    @Suite(.timeLimit(.minutes(1)))
    struct AdminCommandTests {
        private func admin(_ mirror: MirrorProcess, _ arguments: String...) async throws -> Command.Result {
            try await Command.run(arguments, environment: ["CLOUD_MIRROR_URL": mirror.url, "CLOUD_MIRROR_TOKEN": mirror.token])
        }

        @Test("Warming, listing, counting and purging, as tables and as JSON")
        func story() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 5_000, seed: 61))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/a.bin")
                    let missing = origin.url("/missing")
                    let nothing = try await admin(mirror, "replicas")
                    #expect(nothing.exit == .code(0))
                    #expect(nothing.output == "no replicas\n")

                    let warmed = try await admin(mirror, "warm", artifact, missing)
                    #expect(warmed.exit == .code(0), "\(warmed.errors)")
                    #expect(warmed.output.contains("2 artifacts"))
                    try await eventually("both copies have ended") {
                        let states = [try await mirror.replica(artifact)?.state, try await mirror.replica(missing)?.state]
                        return states == ["present", "error"]
                    }

                    let table = try await admin(mirror, "replicas")
                    #expect(table.exit == .code(0))
                    let lines = table.output.split(separator: "\n")
                    #expect(lines.count == 3)
                    #expect(lines[0].hasPrefix("STATE"))
                    #expect(lines.contains { $0.hasPrefix("present") && $0.contains("local/dev") && $0.contains(artifact) })
                    #expect(lines.contains { $0.hasPrefix("error") && $0.contains(missing) && $0.contains("404") })
                    let failed = try await admin(mirror, "replicas", "--state", "error", "--pool", "local/dev", "--json")
                    let page = try failed.json(MirrorProcess.ReplicaPage.self)
                    #expect(page.replicas.map(\.url) == [missing])

                    let pools = try await admin(mirror, "pools")
                    #expect(pools.exit == .code(0))
                    let pool = try #require(pools.output.split(separator: "\n").last).split(separator: " ").map(String.init)
                    #expect(pool.starts(with: ["local/dev", "yes", "1"]), "\(pools.output)")
                    #expect(pools.output.contains("after the last use"))
                    let poolsJSON = try await admin(mirror, "pools", "--json")
                    let list = try poolsJSON.json(PoolList.self)
                    #expect(list == PoolList(pools: [.init(pool: "local/dev", objects: 1, bytes: 5_000, errors: 1, healthy: true)]))

                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    let stats = try await admin(mirror, "stats")
                    #expect(stats.exit == .code(0))
                    #expect(stats.output.contains("egressAvoidedBytes"))
                    #expect(stats.output.contains("5000"))
                    let numbers = try await admin(mirror, "stats", "--json").json(MirrorProcess.Stats.self)
                    #expect(numbers.egressAvoidedBytes == 5_000)
                    #expect(numbers.redirects["hit"] == 1)

                    let purged = try await admin(mirror, "purge", artifact)
                    #expect(purged.exit == .code(0), "\(purged.errors)")
                    #expect(purged.output.contains("purged \(artifact)"))
                    #expect(try await mirror.replica(artifact) == nil)
                    #expect(try mirror.objects().isEmpty)
                }
            }
        }

        private struct PoolList: Decodable, Equatable {
            let pools: [Item]

            struct Item: Decodable, Equatable {
                let pool: String
                let objects: Int
                let bytes: Int64
                let errors: Int
                let healthy: Bool
            }
        }

        @Test("Without the token it is refused, and without a mirror it says what to check")
        func failures() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let token = try mirror.directory.write("\(mirror.token)\n", to: "token")
                #expect(try await Command.run(["stats", "--mirror", mirror.url, "--token-file", token]).exit == .code(0))
                let refused = try await Command.run(["stats", "--mirror", mirror.url])
                #expect(refused.exit == .code(1))
                #expect(refused.errors.contains("--token-file"))
                let url = mirror.url
                try await mirror.end(.terminate)
                for command in [
                    ["pools"], ["stats"], ["replicas"], ["warm", "https://example.org/a"], ["purge", "https://example.org/a"],
                ] {
                    let unreachable = try await Command.run(command + ["--mirror", url])
                    #expect(unreachable.exit == .code(69), "\(command)")
                    #expect(unreachable.errors.contains("--mirror"), "\(command)")
                }
            }
        }

        @Test("check-config accepts what serve takes, and names every problem with its line")
        func checksConfigurations() async throws {
            let directory = try TemporaryDirectory()
            let good = try directory.write(MirrorSettings(allow: ["https://example.org/"]).yaml(in: directory.path), to: "good.yaml")
            let accepted = try await Command.run(["check-config", good])
            #expect(accepted.exit == .code(0), "\(accepted.errors)")
            #expect(accepted.output.contains("local/dev"))
            #expect(!directory.exists("pool"))

            let text = """
                origins: {allow: [https://example.org/]}
                pools:
                  local/dev: {directory: pool}
                copy: {concurency: 3}
                redirect: {maxWait: 28}
                """
            let bad = try directory.write(text, to: "bad.yaml")
            let refused = try await Command.run(["check-config", bad])
            #expect(refused.exit == .code(78))
            #expect(refused.output == "")
            #expect(refused.errors.contains("\(bad):4:"))
            #expect(refused.errors.contains("concurrency"))
            #expect(refused.errors.contains("\(bad):5:"))
            #expect(try await Command.run(["serve", "--config", bad]).exit == .code(78))
            #expect(try await Command.run(["check-config", "\(directory.path)/none.yaml"]).exit == .code(78))
        }
    }
}
