import Foundation
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// Commands on the machine of a mirror, which find its admin token by themselves.
    @Suite(.timeLimit(.minutes(2)))
    struct LocalTokenTests {
        private static let artifact = "https://127.0.0.1/a.bin"
        private static let commands = [
            ["purge", artifact], ["warm", artifact], ["replicas"], ["pools"], ["stats"], ["pools", "list", "--json"],
        ]

        private static func files(_ directory: TemporaryDirectory, _ state: String = "state") throws -> [String] {
            try directory.files(in: state).filter { $0.hasPrefix("admin-token-") }
        }

        /// The name of the only one.
        private static func file(_ directory: TemporaryDirectory) throws -> String {
            let files = try files(directory)
            try #require(files.count == 1, "\(files)")
            return files[0]
        }

        private static func token(_ directory: TemporaryDirectory) throws -> String {
            String(decoding: try directory.read("state/\(try file(directory))").dropLast(), as: UTF8.self)
        }

        @Test("Without a configuration they work, for this account alone; nobody else is let in, from wherever")
        func zeroConfiguration() async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                let state = "\(mirror.directory.path)/state"
                for command in Self.commands {
                    let result = try await Command.run(command + ["--mirror", mirror.url, "--state-dir", state])
                    // The address is not one to copy from, which is the mirror's answer and not its door.
                    #expect(result.exit == .code(command[0] == "warm" ? 1 : 0), "\(command): \(result.errors)")
                    #expect(!result.errors.contains("401"))
                }
                // As serve and the commands find the directory when nothing is said.
                try FileManager.default.createDirectory(atPath: "\(mirror.directory.path)/xdg", withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(atPath: "\(mirror.directory.path)/xdg/cloud-mirror", withDestinationPath: state)
                let found = try await Command.run(
                    ["stats"], environment: ["CLOUD_MIRROR_URL": mirror.url, "XDG_STATE_HOME": "\(mirror.directory.path)/xdg"])
                #expect(found.exit == .code(0), "\(found.errors)")
                let name = try Self.file(mirror.directory)
                #expect(try mirror.directory.mode("state/\(name)") == 0o600)
                #expect(try mirror.directory.mode("state") == 0o700)
                for headers in [[:], ["Host": "localhost"], ["Authorization": "Bearer "], ["X-Forwarded-For": "127.0.0.1"]] as [HTTPHeaders]
                {
                    #expect(try await mirror.send(.GET, "/v1/stats", headers: headers).status == 401)
                }
                let token = try Self.token(mirror.directory)
                let withToken: HTTPHeaders = ["Authorization": "Bearer \(token)", "X-Forwarded-For": "192.0.2.1"]
                #expect(try await mirror.send(.GET, "/v1/stats", headers: withToken).status == 200)
                try await mirror.end(.terminate)
                #expect(!mirror.log.contains(token))
                #expect(mirror.log.contains("\(state)/\(name)"), "the greeting and the log name the file")
            }
        }

        @Test(
            "A proxy on the machine makes nobody an admin",
            arguments: [[], ["Via"], ["X-Real-IP"], ["Forwarded"], ["X-Forwarded-For"], ["Origin"]])
        func proxy(adds: [String]) async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                let proxy = try await ChildProcess.start("python3", ["-c", Self.proxy, mirror.url] + adds)
                let port = try await proxy.line()
                let url = "http://127.0.0.1:\(port)"
                #expect(try await HTTP.send(.GET, "\(url)/healthz").status == 200)
                let purge = "\(url)/v1/purge/local/dev/https%3A%2F%2Fartifacts.example.org%2Fa.bin"
                #expect(try await HTTP.send(.DELETE, purge).status == 401)
                for path in ["/v1/stats", "/v1/pools", "/v1/replicas"] { #expect(try await HTTP.send(.GET, url + path).status == 401) }
                #expect(try await HTTP.send(.POST, "\(url)/v1/warm", body: "{\"urls\":[]}").status == 401)
                // And a command is not let in by its way round.
                let state = "\(mirror.directory.path)/state"
                #expect(try await Command.run(["stats", "--mirror", url, "--state-dir", state]).exit == .code(1))
                let token = try Self.token(mirror.directory)
                #expect(try await HTTP.send(.DELETE, purge, headers: ["Authorization": "Bearer \(token)"]).status == 204)
                proxy.send(.kill)
            }
        }

        /// A reverse proxy as `proxy_pass` alone makes one: another request to the mirror, with the mirror's own address for a host, and the
        /// fields that are named.
        private static let proxy = """
            import http.server, sys, urllib.error, urllib.request
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            class Proxy(http.server.BaseHTTPRequestHandler):
                def forward(self):
                    length = int(self.headers.get("Content-Length", 0))
                    body = self.rfile.read(length) if length else None
                    request = urllib.request.Request(sys.argv[1] + self.path, data=body, method=self.command)
                    if self.headers.get("Authorization"): request.add_header("Authorization", self.headers["Authorization"])
                    for name in sys.argv[2:]: request.add_header(name, "for=192.0.2.1" if name == "Forwarded" else "192.0.2.1")
                    try: answer = opener.open(request)
                    except urllib.error.HTTPError as error: answer = error
                    content = answer.read()
                    self.send_response(answer.status)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                do_GET = do_POST = do_DELETE = forward
                def log_message(self, *arguments): pass
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
            print(server.server_address[1], flush=True)
            server.serve_forever()
            """

        @Test(
            "With a configuration they work too, whether it has tokens or none, unless it says no; a reload changes that, and mends the file"
        )
        func configured() async throws {
            for keys in ["tokens: [an-admin-token-of-a-test]", ""] {
                var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
                settings.adminKeys = keys
                try await MirrorProcess.run(settings) { mirror in
                    func stats() async throws -> ChildProcess.Exit {
                        try await Command.run(["stats", "--mirror", mirror.url, "--state-dir", "\(mirror.directory.path)/state"]).exit
                    }
                    #expect(try await stats() == .code(0))
                    let (name, token) = (try Self.file(mirror.directory), try Self.token(mirror.directory))
                    try mirror.directory.remove("state/\(name)")
                    #expect(try await stats() == .code(1))
                    #expect(try await mirror.reload())
                    #expect(try await stats() == .code(0))
                    #expect(try Self.token(mirror.directory) == token)
                    settings.adminKeys = "localToken: false\(keys.isEmpty ? "" : ", \(keys)")"
                    #expect(try await mirror.reload(settings))
                    #expect(try Self.files(mirror.directory).isEmpty)
                    #expect(try await mirror.send(.GET, "/v1/stats", headers: ["Authorization": "Bearer \(token)"]).status == 401)
                    try await mirror.restart(after: .terminate)
                    #expect(try Self.files(mirror.directory).isEmpty)
                    #expect(try await stats() == .code(1))
                }
            }
        }

        @Test("After a restart, also after a crash, they use the new token, and the old one is worth nothing")
        func restart() async throws {
            let directory = try TemporaryDirectory()
            let port = try await FreePort.next()
            let mirror = MirrorProcess(
                ["--state-dir", "\(directory.path)/state", "--listen", "127.0.0.1:\(port)"], in: directory, token: "")
            try await mirror.whileRunning { mirror in
                for signal in [ChildProcess.Signal.terminate, .kill] {
                    let old = try Self.token(directory)
                    try await mirror.restart(after: signal)
                    #expect(try Self.token(directory) != old)
                    #expect(try await mirror.send(.GET, "/v1/stats", headers: ["Authorization": "Bearer \(old)"]).status == 401)
                    let result = try await Command.run(["stats", "--mirror", mirror.url, "--state-dir", "\(directory.path)/state"])
                    #expect(result.exit == .code(0), "\(result.errors)")
                }
                // A start that fails leaves the file of the one that runs.
                let token = try Self.token(directory)
                let second = try await Command.run(["serve", "--state-dir", "\(directory.path)/other", "--listen", "127.0.0.1:\(port)"])
                #expect(second.exit == .code(1))
                #expect(try Self.token(directory) == token)
                #expect(try Self.files(directory, "other").isEmpty)
            }
        }

        @Test("Another account may not read it, and is told what to do; root and the service's own may", .enabled(if: geteuid() == 0))
        func accounts() async throws {
            let directory = try TemporaryDirectory()
            let executable = "\(directory.path)/cloud-mirror"
            try FileManager.default.copyItem(atPath: TestEnvironment.executable(), toPath: executable)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
            try FileManager.default.createDirectory(atPath: "\(directory.path)/cloud-mirror.d", withIntermediateDirectories: true)
            try FileManager.default.setAttributes(
                [.ownerAccountID: 10_001, .groupOwnerAccountID: 10_001], ofItemAtPath: "\(directory.path)/cloud-mirror.d")
            let state = "\(directory.path)/cloud-mirror.d/state"
            func account(_ id: String) -> [String] {
                ["--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--bounding-set=-all", executable]
            }
            // As in a container: an account of its own, and nothing in the environment but where the state is.
            let service = try await ChildProcess.start(
                "setpriv", account("10001") + ["serve", "--state-dir", state, "--listen", "0.0.0.0:0", "--print-ready"])
            let ready = try await service.line { $0.hasPrefix("ready ") }
            let port = try #require(ready.split(separator: ":").last)
            let url = "http://127.0.0.1:\(port)"
            let arguments = ["stats", "--mirror", url, "--state-dir", state]
            // Root as it is: without its capabilities it may read no more than others.
            for command in [["setpriv"] + account("10001"), [executable]] {
                let (exit, output) = try await ChildProcess.start(command[0], command.dropFirst() + arguments).end()
                #expect(exit == .code(0), "\(command): \(output)")
            }
            let (exit, output) = try await ChildProcess.start("setpriv", account("10002") + arguments).end()
            #expect(exit == .code(1))
            #expect(output.contains("\(state)/admin-token-127.0.0.1:"), "\(output)")
            #expect(output.contains("permission denied"), "\(output)")
            #expect(output.contains("sudo cloud-mirror"), "\(output)")
            service.send(.terminate)
            #expect(try await service.end().exit == .code(0))
        }

        @Test("The token goes to no other server: not over a redirect, and not to who listens at another address")
        func stays() async throws {
            try await FakeOrigin.run { elsewhere in
                elsewhere.on("/v1/stats", .text("{}"))
                try await FakeOrigin.run { squatter in
                    squatter.on("/v1/stats", FakeBehavior.status(302).with { $0.headers = [("Location", elsewhere.url("/v1/stats"))] })
                    let directory = try TemporaryDirectory()
                    let token = String(repeating: "ab", count: 32)
                    try FileManager.default.createDirectory(atPath: "\(directory.path)/state", withIntermediateDirectories: true)
                    // That of a mirror at this address is sent to it, and the redirect is not followed.
                    try directory.write("\(token)\n", to: "state/admin-token-127.0.0.1:\(squatter.port)")
                    let arguments = ["stats", "--mirror", squatter.url(""), "--state-dir", "\(directory.path)/state"]
                    let redirected = try await Command.run(arguments)
                    #expect(redirected.exit == .code(1))
                    #expect(squatter.requests.map { $0.header("authorization") } == ["Bearer \(token)"])
                    #expect(elsewhere.requests.isEmpty)
                    #expect(!redirected.errors.contains(token))
                    // Mirrors at other addresses and ports are others.
                    try directory.remove("state/admin-token-127.0.0.1:\(squatter.port)")
                    for name in [
                        "127.0.0.1:\(elsewhere.port)", "[::1]:\(squatter.port)", "127.0.0.2:\(squatter.port)", "192.0.2.1:\(squatter.port)",
                    ] {
                        try directory.write("\(token)\n", to: "state/admin-token-\(name)")
                    }
                    _ = try await Command.run(arguments)
                    #expect(squatter.requests.map { $0.header("authorization") } == ["Bearer \(token)", nil])
                }
            }
        }

        @Test("A state directory that cannot be written to keeps nothing from being served, and is named")
        func unwritable() async throws {
            var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
            settings.state = "file/state"
            settings.more = ["state: {sqlite: {path: elsewhere.sqlite}}"]
            let directory = try TemporaryDirectory()
            try directory.write("", to: "file")
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let mirror = MirrorProcess(["--config", file], in: directory, token: settings.token)
            try await mirror.whileRunning { mirror in
                #expect(try await mirror.admin(.GET, "/v1/stats").status == 200)
                #expect(mirror.log.contains("the file with an admin token for commands on this machine cannot be written"))
                let check = try await Command.run(["check-config", file])
                #expect(check.errors.contains("admin.localToken"), "\(check.errors)")
                #expect(check.exit == .code(0))
            }
        }

        @Test("A wrong token is logged with the address, not with the token, and counted")
        func wrongTokens() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                let began = ContinuousClock.now
                for _ in 0..<5 {
                    let wrong: HTTPHeaders = ["Authorization": "Bearer a-guess-of-somebody", "X-Forwarded-For": "192.0.2.99"]
                    #expect(try await mirror.send(.GET, "/v1/stats", headers: wrong).status == 401)
                }
                #expect(ContinuousClock.now - began >= .milliseconds(750), "the fourth and fifth are withheld")
                #expect(try await mirror.metric("cloud_mirror_refused_admin_calls_total", "wrong-token") == 5)
                try await mirror.end(.terminate)
                let lines = mirror.log.split(separator: "\n").filter { $0.contains("wrong token") }
                #expect(lines.count == 1)
                #expect(lines.first?.contains("\"client\":\"127.0.0.1\"") == true, "\(lines)")
                #expect(!mirror.log.contains("a-guess-of-somebody"))
                #expect(!mirror.log.contains("192.0.2.99"))
            }
        }

        @Test("However many ask for readiness, a pool is checked once in some seconds")
        func readiness() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://artifacts.example.org/"])) { mirror in
                let began = ContinuousClock.now
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<300 { group.addTask { try await mirror.send(.GET, "/readyz").status } }
                    for try await status in group { #expect(status == 200) }
                }
                let checks = try await mirror.metric("cloud_mirror_store_operation_seconds_count", "check_health") ?? 0
                let rounds = Double((ContinuousClock.now - began) / .seconds(5)) + 1
                #expect(checks >= 1 && checks <= rounds, "\(checks)")
            }
        }
    }
}
