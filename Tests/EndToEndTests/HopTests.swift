import MirrorCore
import TestServers
import Testing

extension EndToEndWaits {
    /// Real clients that give up, by their own defaults, before a slow copy is done.
    @Suite(.timeLimit(.minutes(4)))
    struct HopTests {
        private static let wheel = "slow-1.0-py3-none-any.whl"

        private static func target(_ mirror: MirrorProcess, _ artifact: String) -> String {
            "\(mirror.url)/v1/redirect/local/dev/\(PercentCoding.encode(artifact))"
        }

        @Test("pip with its own time-outs gets what takes longer to copy, at the price of one fetch")
        func pip() async throws {
            let bytes = try await Client.wheel(size: 70_000)
            try await FakeOrigin.run { origin in
                // Some 35 seconds; pip bears 15.
                origin.on(
                    "/\(Self.wheel)",
                    .body(bytes).with {
                        $0.chunkSize = 1_000
                        $0.pause = .milliseconds(500)
                    })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.maxWait = "5m"
                try await MirrorProcess.run(settings) { mirror in
                    let directory = try TemporaryDirectory()
                    let result = try await Client.run(
                        [
                            try await Client.python(), "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "-d", "out",
                            Self.target(mirror, origin.url("/\(Self.wheel)")),
                        ], in: directory)
                    #expect(result.exit == .code(0), "\(result.output)\n\(result.errors)")
                    #expect(!(result.output + result.errors).contains("imed out"), "\(result.output)\n\(result.errors)")
                    let isRight = try directory.read("out/\(Self.wheel)") == bytes
                    #expect(isRight)
                    #expect(origin.requests.count == 1)
                    let hops = try await mirror.metric("cloud_mirror_hops_total", "pool=\"local/dev\"") ?? 0
                    #expect(hops >= 2)
                    #expect(try await mirror.metric("cloud_mirror_redirects_total", "outcome=\"wait\"", "local/dev") == 1)
                    #expect(try await mirror.metric("cloud_mirror_redirects_total", "outcome=\"fallback\"", "local/dev") == 0)
                }
            }
        }

        @Test("curl, wget, requests, urllib and pip hop together while one copy is made for all of them")
        func together() async throws {
            let bytes = try await Client.wheel(size: 10_000)
            let gate = FakeGate()
            try await FakeOrigin.run { origin in
                origin.on("/\(Self.wheel)", .body(bytes).with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.maxWait = "5m"
                settings.clients = ["pip/", "curl/", "python-requests/", "Python-urllib/", "Wget/"].map {
                    "{userAgent: \($0), hop: 1s, hops: 8}"
                }
                try await MirrorProcess.run(settings) { mirror in
                    let target = Self.target(mirror, origin.url("/\(Self.wheel)"))
                    let python = try await Client.python()
                    let commands: [[String]] = [
                        ["curl", "-fsSL", "-o", "out", target], ["curl", "-fsSL", "-o", "out", target],
                        ["wget", "-q", "-O", "out", target],
                        [python, "-c", Self.requests, target], [python, "-c", Self.urllib, target],
                        [python, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", target],
                    ]
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for command in commands {
                            group.addTask {
                                let directory = try TemporaryDirectory()
                                let result = try await Client.run(command, in: directory)
                                #expect(result.exit == .code(0), "\(command[0]): \(result.output)\n\(result.errors)")
                                let file = command.contains("pip") ? Self.wheel : "out"
                                let isRight = try directory.read(file) == bytes
                                #expect(isRight, "\(command)")
                            }
                        }
                        // Each has hopped more than once, or some have very often.
                        try await eventually("they hop") {
                            try await mirror.metric("cloud_mirror_hops_total", "pool=\"local/dev\"") ?? 0 >= Double(commands.count * 2)
                        }
                        gate.open()
                        try await group.waitForAll()
                    }
                    #expect(origin.requests.count == 1)
                    let waits = try await mirror.metric("cloud_mirror_redirects_total", "outcome=\"wait\"", "local/dev")
                    let hits = try await mirror.metric("cloud_mirror_redirects_total", "outcome=\"hit\"", "local/dev")
                    #expect((waits ?? 0) + (hits ?? 0) == Double(commands.count))
                }
            }
        }

        private static let requests = """
            import sys
            from pip._vendor import requests
            answer = requests.get(sys.argv[1], timeout=5)
            answer.raise_for_status()
            assert answer.history
            open("out", "wb").write(answer.content)
            """

        private static let urllib = """
            import sys, urllib.request
            open("out", "wb").write(urllib.request.urlopen(sys.argv[1], timeout=5).read())
            """

        @Test("When the client follows no more it is sent to the origin, and the copy goes on")
        func runsOut() async throws {
            let gate = FakeGate()
            try await FakeOrigin.run { origin in
                origin.on("/a.txt", .text("hello").with { $0.gate = gate }, .text("hello"))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.clients = ["{userAgent: curl/, hop: 1s, hops: 2}"]
                try await MirrorProcess.run(settings) { mirror in
                    let directory = try TemporaryDirectory()
                    let result = try await Client.run(
                        ["curl", "-fsSL", "-w", " %{num_redirects} %{url_effective}", Self.target(mirror, origin.url("/a.txt"))],
                        in: directory)
                    #expect(result.exit == .code(0), "\(result.errors)")
                    #expect(result.output == "hello 3 \(origin.url("/a.txt"))")
                    gate.open()
                    #expect(try await mirror.redirect(origin.url("/a.txt")).outcome != "fallback")
                    #expect(origin.requests.count == 2)
                }
            }
        }
    }
}
