import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct ListenTests {
        @Test(
            "A start on an address that cannot be listened on names the address and what to do",
            arguments: ["main", "admin", "nowhere", "unknown"])
        func refuses(_ what: String) async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let taken = String(mirror.url.dropFirst("http://".count))
                let (listen, admin, said, remedy) =
                    switch what {
                    case "main": (taken, nil, "cannot listen on \(taken): the address is in use", "--listen, or `listen`")
                    case "admin": ("127.0.0.1:0", taken, "cannot listen on \(taken): the address is in use", "`admin.listen`")
                    // RFC 5737: for documentation alone.
                    case "nowhere":
                        (
                            "192.0.2.1:8080", nil, "cannot listen on 192.0.2.1:8080: this machine has no such address",
                            "--listen, or `listen`"
                        )
                    default:
                        (
                            "nowhere.invalid:8080", nil, "cannot listen on nowhere.invalid:8080: the host is not known",
                            "--listen, or `listen`"
                        )
                    } as (String, String?, String, String)
                let directory = try TemporaryDirectory()
                let file = try directory.write(
                    """
                    listen: \(listen)
                    \(admin.map { "admin: {listen: \"\($0)\"}" } ?? "")
                    stateDirectory: \(directory.path)/state
                    origins: {allow: [https://example.org/]}
                    pools: {local/dev: {directory: \(directory.path)/pool}}
                    """, to: "config.yaml")
                let result = try await Command.run(["serve", "--config", file, "--print-ready"])
                #expect(result.exit == .code(1))
                let error = try #require(result.errors.split(separator: "\n").last)
                #expect(error.contains(said))
                #expect(error.contains(remedy))
                #expect(!error.contains("errno"))
            }
        }

        @Test("The log says at the start who this is and which pools it has, and what it waits for as soon as it is told to stop")
        func announces() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let begin = mirror.log.split(separator: "\n").first { $0.contains("starting") }
                let start = try #require(begin)
                #expect(start.contains("front end"))
                #expect(start.contains("local/dev"))
                #expect(start.contains("worker"))
                try await mirror.end(.terminate)
                let ends = mirror.log.split(separator: "\n").filter { $0.contains("stopping") || $0.contains("stopped") }
                #expect(ends.count == 2, "\(ends)")
                #expect(ends.first?.contains("stopping") == true)
            }
        }
    }
}
