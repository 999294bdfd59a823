import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// SIGHUP: the configuration is read again, and nobody is hung up on.
    @Suite(.timeLimit(.minutes(2)))
    struct ReloadTests {
        private static func path(_ artifact: String, in pool: String? = MirrorProcess.pool) -> String {
            "/v1/redirect/\(pool.map { "\($0)/" } ?? "")\(PercentCoding.encode(artifact))"
        }

        private static func bearer(_ token: String) -> HTTPHeaders { ["Authorization": "Bearer \(token)"] }

        @Test("A new admin token is taken and the old one refused, on a connection that stays open", arguments: [false, true])
        func tokens(inFile: Bool) async throws {
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            try await MirrorProcess.run(settings) { mirror in
                let connection = try await KeptConnection.open(mirror.url)
                #expect(try await connection.ask("/v1/stats", headers: Self.bearer(settings.token)).status == 200)
                let other = "another-admin-token-of-a-test"
                if inFile {
                    try mirror.directory.write("# tokens\n\(other)\n", to: "tokens")
                    settings.adminKeys = "tokensFile: \(mirror.directory.path)/tokens"
                } else {
                    settings.adminKeys = "tokens: [\(other)]"
                }
                #expect(try await mirror.reload(settings))
                #expect(try await connection.ask("/v1/stats", headers: Self.bearer(mirror.token)).status == 401)
                #expect(try await connection.ask("/v1/stats", headers: Self.bearer(other)).status == 200)
                if inFile {
                    // The file alone changes.
                    try mirror.directory.write("a-third-admin-token-of-a-test\n", to: "tokens")
                    #expect(try await mirror.reload())
                    #expect(try await connection.ask("/v1/stats", headers: Self.bearer(other)).status == 401)
                    #expect(try await connection.ask("/v1/stats", headers: Self.bearer("a-third-admin-token-of-a-test")).status == 200)
                }
                try await Self.logs(mirror, "configuration reloaded", "admin.tokens")
            }
        }

        @Test("A new certificate greets new connections; those that are open go on")
        func certificate() async throws {
            let files = try TemporaryDirectory()
            func issue(_ name: String) async throws {
                try await ChildProcess.run(
                    "openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=\(name)", "-keyout", "\(files.path)/key.pem", "-out", "\(files.path)/cert.pem",
                    ])
            }
            func greeting(_ mirror: MirrorProcess, _ options: String...) async throws -> String {
                let address = mirror.url.replacingOccurrences(of: "https://", with: "")
                return try await ChildProcess.run("openssl", ["s_client", "-connect", address, "-servername", "localhost"] + options)
            }
            try await issue("first")
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            settings.more = ["tls: {certificate: \(files.path)/cert.pem, key: \(files.path)/key.pem}"]
            // Metrics are asked for over a connection of the test's own: the other client would not take the certificate.
            try await MirrorProcess.run(settings) { mirror in
                let connection = try await KeptConnection.open(mirror.url)
                #expect(try await connection.ask("/healthz").status == 200)
                #expect(try await greeting(mirror).contains("CN = first"))
                func reload(isTaken: Bool) async throws {
                    let result = isTaken ? "reloaded" : "refused"
                    let before = try await connection.ask("/metrics", headers: Self.bearer(mirror.token)).text
                    mirror.send(.hangUp)
                    try await eventually("the configuration is \(result)") {
                        let now = try await connection.ask("/metrics", headers: Self.bearer(mirror.token)).text
                        func count(_ text: String) -> Substring? {
                            text.split(separator: "\n").first { $0.hasPrefix("cloud_mirror_reloads_total") && $0.contains(result) }
                        }
                        return count(now) != count(before)
                    }
                }
                try await issue("second")
                try await reload(isTaken: true)
                #expect(try await greeting(mirror).contains("CN = second"))
                #expect(try await connection.ask("/healthz").status == 200)
                try await Self.logs(mirror, "configuration reloaded", "tls")
                // What is deprecated is not spoken, what is not deprecated is.
                await #expect(throws: (any Error).self) { try await greeting(mirror, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0") }
                #expect(try await greeting(mirror, "-tls1_2").contains("CN = second"))

                // A key that is another's is refused, and the old pair goes on.
                let key = try files.read("key.pem")
                try await issue("third")
                try files.write(key, to: "key.pem")
                try await reload(isTaken: false)
                #expect(try await greeting(mirror).contains("CN = second"))
                #expect(try await connection.ask("/healthz").status == 200)
                try await Self.logs(mirror, "tls.key", "does not match the certificate")
            }
        }

        @Test("What is no longer allowed is refused at once, hot redirects too, and what is allowed stays hot")
        func allowList() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a/x.bin", .text("a"))
                origin.on("/b/x.bin", .text("b"))
                var settings = MirrorSettings(allow: [origin.url("/")])
                try await MirrorProcess.run(settings) { mirror in
                    let connection = try await KeptConnection.open(mirror.url)
                    for artifact in ["/a/x.bin", "/b/x.bin"] {
                        for outcome in ["wait", "hit", "hit"] {
                            #expect(try await connection.ask(Self.path(origin.url(artifact))).outcome == outcome)
                        }
                    }
                    settings.allow = [origin.url("/b/")]
                    #expect(try await mirror.reload(settings))
                    #expect(try await connection.ask(Self.path(origin.url("/a/x.bin"))).status == 403)
                    #expect(try await connection.ask(Self.path(origin.url("/b/x.bin"))).outcome == "hit")
                    // And back.
                    settings.allow = [origin.url("/")]
                    #expect(try await mirror.reload(settings))
                    #expect(try await connection.ask(Self.path(origin.url("/a/x.bin"))).outcome == "hit")
                    #expect(origin.requests.count == 2)
                    try await Self.logs(mirror, "configuration reloaded", "origins.allow")
                }
            }
        }

        @Test("A request that waits for a copy is answered by the settings that it began with")
        func underWay() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .text("late").with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                try await MirrorProcess.run(settings) { mirror in
                    let connection = try await KeptConnection.open(mirror.url)
                    try await connection.begin(Self.path(origin.url("/a.bin")))
                    try await mirror.waiting(1)
                    settings.maxWait = "0s"
                    settings.adminKeys = "tokens: [another-admin-token-of-a-test]"
                    #expect(try await mirror.reload(settings))
                    gate.open()
                    #expect(try await connection.answer().outcome == "wait")
                }
            }
        }

        @Test("Waits, selection, retention and the log's level are set")
        func others() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/late.bin", .text("late").with { $0.gate = gate })
                origin.on("/a.bin", .text("a"))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.sweepInterval = "1s"
                settings.more = ["selection: {default: origin}"]
                try await MirrorProcess.run(settings) { mirror in
                    let plain = Self.path(origin.url("/a.bin"), in: nil)
                    #expect(try await mirror.send(.GET, plain).outcome == "fallback")
                    settings.maxWait = "0s"
                    settings.more = ["selection: {default: local/dev}"]
                    settings.poolOptions = ", retention: {timeToLive: 1s, grace: 0s}"
                    settings.logLevel = "error"
                    #expect(try await mirror.reload(settings))
                    // Sent to the origin at once, though its copy is not there for long.
                    let began = ContinuousClock.now
                    #expect(try await mirror.redirect(origin.url("/late.bin")).outcome == "fallback")
                    #expect(began.duration(to: .now) < .seconds(10))
                    #expect(try await mirror.redirect(origin.url("/a.bin"), wait: 20).outcome == "wait")
                    #expect(try await mirror.send(.GET, plain).outcome == "hit")
                    try await eventually("the copy expires") { try await mirror.replica(origin.url("/a.bin")) == nil }
                    #expect(!mirror.log.contains("\"outcome\":\"wait\""))
                    gate.open()
                }
            }
        }

        @Test("A file with problems is refused whole: the log says where they are, and the old settings go on")
        func badFile() async throws {
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            try await MirrorProcess.run(settings) { mirror in
                let text = settings.yaml(in: mirror.directory.path)
                let line = text.split(separator: "\n", omittingEmptySubsequences: false).count
                settings.adminKeys = "tokens: [another-admin-token-of-a-test]"
                try mirror.directory.write(settings.yaml(in: mirror.directory.path) + "sweeep: {interval: 1s}\n", to: "config.yaml")
                #expect(try await !mirror.reload())
                #expect(try await mirror.admin(.GET, "/v1/stats").status == 200)
                try await Self.logs(mirror, "config.yaml:\(line):1: sweeep: unknown key; did you mean 'sweep'?")
                try await Self.logs(mirror, "the configuration was not reloaded")
                // Not there at all, and then right again.
                try FileManager.default.removeItem(atPath: "\(mirror.directory.path)/config.yaml")
                #expect(try await !mirror.reload())
                try await Self.logs(mirror, "the file cannot be read: No such file or directory")
                #expect(try await mirror.reload(settings))
                #expect(try await mirror.admin(.GET, "/v1/stats").status == 401)
                #expect(try await mirror.metric("cloud_mirror_reloads_total", "refused") == 2)
                let loaded = try #require(try await mirror.metric("cloud_mirror_configuration_loaded_timestamp_seconds"))
                #expect(abs(loaded - Date().timeIntervalSince1970) < 120)
            }
        }

        @Test("What needs a restart is left alone, and the log names it")
        func restart() async throws {
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            try await MirrorProcess.run(settings) { mirror in
                let connection = try await KeptConnection.open(mirror.url)
                settings.partSize = "2MiB"
                settings.pool = "other-pool"
                #expect(try await mirror.reload(settings))
                #expect(try await connection.ask("/healthz").status == 200)
                #expect(!mirror.directory.exists("other-pool"))
                try await Self.logs(mirror, "only after a restart", #"["copy.partSize","pools.local/dev"]"#)
            }
        }

        @Test("Whatever signals come during start-up, work and shutdown, the process goes on, and ends as it should")
        func signals() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .text("a").with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.shutdownGrace = "20s"
                try await MirrorProcess.run(settings) { mirror in
                    #expect(try await mirror.end(.terminate) == .code(0))
                    try await mirror.start { process in
                        // Until the executable is loaded there is nobody to handle a signal.
                        try await eventually("signals are handled") { try Self.ignores(.user1, process) }
                        for signal in [ChildProcess.Signal.hangUp, .user1, .user2, .hangUp] { process.send(signal) }
                    }
                    try await eventually("what was asked for during the start is done") {
                        try await mirror.metric("cloud_mirror_reloads_total", "reloaded") ?? 0 >= 1
                    }
                    for _ in 1...50 { mirror.send(.hangUp) }
                    #expect(try await mirror.reload())
                    #expect(try await mirror.metric("cloud_mirror_reloads_total", "reloaded") ?? 99 < 30)
                    try await mirror.warm([origin.url("/a.bin")])
                    try await gate.waiting(1)
                    mirror.send(.terminate)
                    try await eventually("no new connection is accepted") { try await Knock.once(at: mirror.url) == .refused }
                    for signal in [ChildProcess.Signal.hangUp, .user1, .user2, .hangUp] { mirror.send(signal) }
                    gate.open()
                    #expect(try await mirror.ended() == .code(0))
                }
            }
        }

        @Test("Without a configuration file there is nothing to read again, and the process goes on")
        func withoutFile() async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                mirror.send(.hangUp)
                try await Self.logs(mirror, "nothing to reload")
                #expect(try await mirror.send(.GET, "/healthz").status == 200)
            }
        }

        @Test("A process whose terminal is gone ends, as without a handler, but in order")
        func terminal() async throws {
            let directory = try TemporaryDirectory()
            let log = "\(directory.path)/stderr.log"
            let command =
                "exec '\(try TestEnvironment.executable())' serve --state-dir '\(directory.path)/state' --listen 127.0.0.1:0 2>'\(log)'"
            // `script` gives the command a terminal, which goes with it.
            let terminal = try await ChildProcess.start("script", ["--quiet", "--command", command, "/dev/null"])
            func logs(_ text: String) throws -> Bool {
                directory.exists("stderr.log") ? String(decoding: try directory.read("stderr.log"), as: UTF8.self).contains(text) : false
            }
            try await eventually("it listens") { try logs("listening") }
            terminal.send(.kill)
            try await eventually("it ends in order") { try logs("\"stopped\"") }
        }

        private static func ignores(_ signal: ChildProcess.Signal, _ process: ChildProcess) throws -> Bool {
            let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(process.id)/status")), as: UTF8.self)
            let line = status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
            let mask = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).last.flatMap { UInt64($0, radix: 16) } ?? 0
            return mask & (1 << UInt64(signal.number - 1)) != 0
        }

        private static func logs(_ mirror: MirrorProcess, _ texts: String...) async throws {
            try await eventually("a line of the log has \(texts)") {
                mirror.log.split(separator: "\n").contains { line in texts.allSatisfy(line.contains) }
            }
        }
    }
}
