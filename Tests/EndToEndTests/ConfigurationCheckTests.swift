import TestServers
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension EndToEnd {
    /// What `check-config`, `doctor`, `pools check` and `serve` say of one and the same configuration.
    @Suite(.timeLimit(.minutes(1)))
    struct ConfigurationCheckTests {
        private static let commands = [["check-config"], ["doctor", "--config"], ["pools", "check", "--config"], ["serve", "--config"]]

        private func file(in directory: TemporaryDirectory, pool: String, retention: String = "{}", tokens: String = "tokens") throws
            -> String
        {
            try directory.write("a-token-that-nobody-guesses\n", to: "tokens")
            return try directory.write(
                """
                listen: 127.0.0.1:0
                stateDirectory: \(directory.path)/state
                origins: {allow: [https://example.org/]}
                admin: {tokensFile: \(tokens)}
                pools: {local/dev: {directory: \(pool), retention: \(retention)}}
                """, to: "config.yaml")
        }

        /// What a command says, wherever.
        private func said(_ command: [String], _ file: String) async throws -> (exit: ChildProcess.Exit, text: String) {
            let result = try await Command.run(command + [file])
            return (result.exit, result.output + result.errors)
        }

        @Test("A directory that cannot be used is an error of each, and keeps the service from starting", arguments: commands)
        func directory(command: [String]) async throws {
            let directory = try TemporaryDirectory()
            let pool = try directory.write("", to: "file") + "/pool"
            let (exit, text) = try await said(command, try file(in: directory, pool: pool))
            #expect(exit == .code(command == ["check-config"] ? 78 : 1))
            #expect(
                text.contains("pools.local/dev.directory: \(pool) cannot be created: \(directory.path)/file is not a directory"), "\(text)")
            #expect(!directory.exists("state"))
        }

        #if os(Linux)
            @Test(
                "A pool that is larger than its disk is told of by each", .enabled(if: Privileges.mounts, "mounting needs root"),
                arguments: commands.dropLast())
            func disk(command: [String]) async throws {
                let directory = try TemporaryDirectory()
                try await ChildProcess.run("mkdir", ["\(directory.path)/disk"])
                let file = try file(in: directory, pool: "\(directory.path)/disk/pool", retention: "{maxBytes: 500GiB, minFreeBytes: 4MiB}")
                // In a namespace of its own, so that the mount ends with the command.
                let script = "mount -t tmpfs -o size=24m none '\(directory.path)/disk'; exec \"$0\" \"$@\""
                let process = try await ChildProcess.start(
                    "unshare", ["-m", "sh", "-ec", script, try TestEnvironment.executable()] + command + [file])
                let (exit, text) = try await process.end()
                #expect(exit == .code(0))
                #expect(text.contains("pools.local/dev.retention.maxBytes: 500GiB is more than the file system of"), "\(text)")
                #expect(text.contains("set it to at most 20MiB"))
            }
        #endif

        @Test("A token that can be guessed is told of by each, and is not shown", arguments: commands.dropLast())
        func token(command: [String]) async throws {
            let directory = try TemporaryDirectory()
            let tokens = try directory.write("abcde\n", to: "short")
            let (exit, text) = try await said(command, try file(in: directory, pool: "pool", tokens: tokens))
            #expect(exit == .code(0), "\(text)")
            #expect(text.contains("admin.tokensFile: a token is shorter than 16 characters and could be guessed"), "\(text)")
            #expect(text.contains("warning"))
            #expect(!text.contains("abcde"))
            #expect(!directory.exists("pool"))
        }

        @Test("check-config can leave the machine out")
        func fileOnly() async throws {
            let directory = try TemporaryDirectory()
            let pool = try directory.write("", to: "file") + "/pool"
            let result = try await Command.run(["check-config", "--file-only", try file(in: directory, pool: pool)])
            #expect(result.exit == .code(0), "\(result.errors)")
        }

        @Test("A service that runs does not keep its configuration from being checked", arguments: commands.dropLast())
        func running(command: [String]) async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let result = try await Command.run(command + ["\(mirror.directory.path)/config.yaml"])
                #expect(result.exit == .code(0), "\(result.output) \(result.errors)")
            }
        }
    }

    /// How a start that fails ends.
    @Suite(.timeLimit(.minutes(1)))
    struct FailedStartTests {
        @Test("The last line says why, in the form of the log", arguments: ["json", "text", "auto"])
        func lastLine(format: String) async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["https://example.org/"])) { mirror in
                let taken = String(mirror.url.dropFirst("http://".count))
                let directory = try TemporaryDirectory()
                for (what, listen, pool) in [("listen", taken, "pool"), ("pool", "127.0.0.1:0", "config.yaml")] {
                    let file = try directory.write(
                        """
                        listen: \(listen)
                        stateDirectory: \(directory.path)/state
                        origins: {allow: [https://example.org/]}
                        pools: {local/dev: {directory: \(directory.path)/\(pool)}}
                        log: {format: \(format)}
                        """, to: "config.yaml")
                    let result = try await Command.run(["serve", "--config", file, "--print-ready"])
                    #expect(result.exit == .code(1))
                    let lines = result.errors.split(separator: "\n")
                    let last = try #require(lines.last)
                    let reason = what == "listen" ? "cannot listen on \(taken)" : "is not a directory"
                    #expect(last.contains(reason), "\(result.errors)")
                    #expect(lines.count { $0.contains(reason) } == 1, "\(result.errors)")
                    #expect(!lines.contains { $0.hasPrefix("Error:") || $0.contains("Swift.") })
                    guard format != "text" else {
                        #expect(last.hasPrefix("cloud-mirror: cannot run: "))
                        continue
                    }
                    for line in lines { #expect(line.hasPrefix("{") && line.hasSuffix("}"), "\(line)") }
                    #expect(last.contains(#""level":"critical""#))
                    #expect(last.contains(#""error":""#))
                }
            }
        }

        @Test("A copier that cannot start says so in the same way")
        func copier() async throws {
            let directory = try TemporaryDirectory()
            let file = try directory.write(
                """
                origins: {allow: [https://example.org/]}
                pools: {s3/eu-central-1: {bucket: a-bucket, credentials: anonymous}}
                state: {redis: {url: "redis://127.0.0.1:1"}}
                log: {format: json}
                """, to: "config.yaml")
            let result = try await Command.run(["copier", "--config", file, "--listen", "192.0.2.1:9091"])
            #expect(result.exit == .code(1))
            let last = try #require(result.errors.split(separator: "\n").last)
            #expect(last.hasPrefix("{") && last.contains("cannot listen on 192.0.2.1:9091"), "\(result.errors)")
        }

        @Test("That it listens is said once for each listener", arguments: ["debug", "info"])
        func listensOnce(level: String) async throws {
            var settings = MirrorSettings(allow: ["https://example.org/"])
            settings.logLevel = level
            try await MirrorProcess.run(settings) { mirror in
                #expect(mirror.log.split(separator: "\n").count { $0.contains("listening") } == 1, "\(mirror.log)")
            }
        }
    }
}
