import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// What `deploy/` says is run as it stands, but for where things are.
    @Suite(.timeLimit(.minutes(2)))
    struct DeploymentTests {
        /// Nobody's account, as the service's is.
        private static let account = "10001"

        /// A systemd unit's settings; those that are given more than once as their last.
        private struct Unit {
            let settings: [String: String]

            init(_ name: String) throws {
                let lines = try DeploymentTests.file("deploy/\(name)").split(separator: "\n").filter { !$0.hasPrefix("#") }
                let pairs = lines.compactMap { line in
                    line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
                }
                settings = Dictionary(pairs, uniquingKeysWith: { $1 })
            }

            /// The words of a command, with the paths of another root.
            func command(_ key: String, in root: String) throws -> [String] {
                let words = try #require(settings[key]).split(separator: " ").map(String.init)
                return words.map { $0.hasPrefix("/etc/") ? root + $0 : $0 }
            }
        }

        /// A root directory with what the unit is given, and an executable that everybody may run.
        private struct Installation {
            let directory = try? TemporaryDirectory()
            let root: String
            let executable: String

            init() throws {
                root = try #require(directory).path
                executable = "\(root)/cloud-mirror"
                let manager = FileManager.default
                try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root)
                try manager.copyItem(atPath: TestEnvironment.executable(), toPath: executable)
                try manager.createDirectory(atPath: "\(root)/etc/cloud-mirror", withIntermediateDirectories: true)
                try manager.createDirectory(atPath: "\(root)/var/lib/cloud-mirror", withIntermediateDirectories: true)
                try own("etc/cloud-mirror", mode: 0o750, isService: false)
                try own("var/lib/cloud-mirror", mode: 0o700, isService: true)
            }

            /// Writes a file that the service may read, and nothing else.
            func write(_ text: String, to name: String) throws {
                try directory?.write(text, to: "etc/cloud-mirror/\(name)")
                try own("etc/cloud-mirror/\(name)", mode: 0o640, isService: false)
            }

            private func own(_ name: String, mode: Int, isService: Bool) throws {
                let account = Int(DeploymentTests.account) ?? 0
                var attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
                if geteuid() == 0 {
                    attributes[.groupOwnerAccountID] = account
                    if isService { attributes[.ownerAccountID] = account }
                }
                try FileManager.default.setAttributes(attributes, ofItemAtPath: "\(root)/\(name)")
            }

            /// Starts a unit's command, as another account where this one may do that.
            func start(_ unit: Unit, _ more: [String] = []) async throws -> (ChildProcess, url: String) {
                var command = try unit.command("ExecStart", in: root)
                #expect(command[0] == "/usr/local/bin/cloud-mirror")
                command = [executable] + command.dropFirst() + more + ["--print-ready"]
                if geteuid() == 0 {
                    let account = DeploymentTests.account
                    command =
                        ["setpriv", "--reuid", account, "--regid", account, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
                        + command
                }
                var environment: [String: String] = [:]
                if let setting = unit.settings["Environment"], let equals = setting.firstIndex(of: "=") {
                    environment[String(setting[..<equals])] =
                        setting[setting.index(after: equals)...].replacingOccurrences(of: "%S", with: "\(root)/var/lib")
                }
                // Its own home is no concern of the service.
                environment["HOME"] = "\(root)/var/lib/cloud-mirror"
                let process = try await ChildProcess.start(command[0], Array(command.dropFirst()), environment: environment)
                return (process, String(try await process.line { $0.hasPrefix("ready ") }.dropFirst("ready ".count)))
            }

            func reload(_ unit: Unit, _ process: ChildProcess) async throws {
                let command = try unit.command("ExecReload", in: root).map { $0 == "$MAINPID" ? "\(process.id)" : $0 }
                try await ChildProcess.run(command[0], Array(command.dropFirst()))
            }

            func stop(_ unit: Unit, _ process: ChildProcess) async throws {
                #expect(unit.settings["KillSignal"] == "SIGTERM")
                process.send(.terminate)
                #expect(try await process.end().exit == .code(0))
            }
        }

        private static func file(_ name: String) throws -> String {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            return try String(contentsOf: root.appending(path: name), encoding: .utf8)
        }

        /// The configuration that the README shows for a service, or that of `deploy/`.
        private static func configuration(_ name: String) throws -> String {
            let text = try file(name)
            guard name.hasSuffix(".md") else { return text }
            let examples = text.components(separatedBy: "```yaml\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
            return try #require(examples.first { $0.contains("tokensFile:") })
        }

        @Test(
            "The unit and the configuration go together: it starts, redirects, reloads and stops",
            arguments: ["README.md", "deploy/cloud-mirror.yaml"])
        func unit(source: String) async throws {
            let unit = try Unit("cloud-mirror.service")
            let installation = try Installation()
            try await FakeOrigin.run { origin in
                origin.on("/builds/a.bin", .text("a"))
                var text = try Self.configuration(source)
                // Where things are; and the mirror's own address for redirects, as no proxy is there.
                for (old, new) in [
                    ("/etc/cloud-mirror/", "\(installation.root)/etc/cloud-mirror/"),
                    ("/var/lib/cloud-mirror/", "\(installation.root)/var/lib/cloud-mirror/"),
                    ("0.0.0.0:8080", "127.0.0.1:0"), ("publicURL: https://mirror.example.org", ""), ("maxBytes: 500GiB", "maxBytes: 1MiB"),
                    (
                        "allow: [https://artifacts.example.org/builds/]",
                        "requireHTTPS: false\n  allowAddresses: [127.0.0.0/8]\n  allow: [\(origin.url("/builds/"))]"
                    ),
                ] {
                    try #require(text.contains(old), "\(source) has no \(old)")
                    text = text.replacingOccurrences(of: old, with: new)
                }
                try installation.write(text, to: "cloud-mirror.yaml")
                try installation.write("the-first-token-of-the-service\n", to: "tokens")
                let (process, url) = try await installation.start(unit)
                let answer = try await HTTP.send(.GET, "\(url)/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/builds/a.bin")))")
                #expect(answer.outcome == "wait")
                let location = try #require(answer.location)
                #expect(try await HTTP.send(.GET, location.hasPrefix("/") ? url + location : location).text == "a")
                #expect(installation.directory?.exists("var/lib/cloud-mirror/state.sqlite") == true)

                func status(_ token: String) async throws -> Int {
                    try await HTTP.send(.GET, "\(url)/v1/stats", headers: ["Authorization": "Bearer \(token)"]).status
                }
                #expect(try await status("the-first-token-of-the-service") == 200)
                try installation.write("the-second-token-of-the-service\n", to: "tokens")
                try await installation.reload(unit, process)
                try await eventually("the new token is taken") { try await status("the-second-token-of-the-service") == 200 }
                #expect(try await status("the-first-token-of-the-service") == 401)
                try await installation.stop(unit, process)
            }
        }

        @Test("The copier's unit starts with a password and keys in files, reloads and stops", .enabled(if: RedisServer.isExpected))
        func copierUnit() async throws {
            let unit = try Unit("cloud-mirror-copier.service")
            let installation = try Installation()
            let redis = try await RedisServer.start(RedisServer.evicting + ["--requirepass", "the-password"])
            let text = """
                origins: {allow: [https://artifacts.example.org/builds/]}
                pools:
                  s3/eu-central-1:
                    bucket: my-mirror
                    endpoint: https://127.0.0.1:1
                    credentials: {accessKeyID: key, secretAccessKeyFile: \(installation.root)/etc/cloud-mirror/secret-key}
                state: {redis: {url: "\(redis.url)", passwordFile: \(installation.root)/etc/cloud-mirror/redis-password}}

                """
            try installation.write(text, to: "cloud-mirror.yaml")
            try installation.write("the-secret-key\n", to: "secret-key")
            try installation.write("the-password\n", to: "redis-password")
            let (process, url) = try await installation.start(unit, ["--listen", "127.0.0.1:0"])
            try await eventually("Redis is reached") {
                try await HTTP.send(.GET, "\(url)/metrics").text.contains("cloud_mirror_state_available 1")
            }
            try installation.write(text.replacingOccurrences(of: "/builds/", with: "/other/"), to: "cloud-mirror.yaml")
            try await installation.reload(unit, process)
            try await eventually("it is reloaded") {
                try await HTTP.send(.GET, "\(url)/metrics").text.contains("cloud_mirror_reloads_total{result=\"reloaded\"} 1")
            }
            try await installation.stop(unit, process)
        }

        @Test("The image's health check tells a mirror that answers from one that does not")
        func healthCheck() async throws {
            let line = try Self.file("deploy/Dockerfile").split(separator: "\n").first { $0.hasPrefix("HEALTHCHECK ") }
            let json = try #require(line?.components(separatedBy: " CMD ").last)
            let command = try JSONDecoder().decode([String].self, from: Data(json.utf8))
            func check(_ port: String) async throws -> ChildProcess.Exit {
                #expect(command.first == "/usr/local/bin/cloud-mirror")
                return try await ChildProcess.start(
                    TestEnvironment.executable(), Array(command.dropFirst()), environment: ["CLOUD_MIRROR_URL": "http://127.0.0.1:\(port)"]
                ).end().exit
            }
            try await MirrorProcess.run(MirrorSettings(allow: ["http://127.0.0.1/"])) { mirror in
                let port = try #require(mirror.url.split(separator: ":").last.map(String.init))
                #expect(try await check(port) == .code(0))
                try await mirror.end(.terminate)
                #expect(try await check(port) == .code(69))
            }
        }

        @Test("The configuration of the compose file can be used")
        func compose() async throws {
            let directory = try TemporaryDirectory()
            let file = try directory.write(try Self.file("deploy/compose/cloud-mirror.yaml"), to: "cloud-mirror.yaml")
            let result = try await Command.run(
                ["check-config", file], environment: ["MIRROR_KEY_ID": "mirror", "MIRROR_SECRET_KEY": "only-for-this-example"])
            #expect(result.exit == .code(0), "\(result.errors)")
        }
    }
}
