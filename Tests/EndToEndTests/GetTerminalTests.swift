import TestServers
import Testing

extension EndToEndWaits {
    /// What `cloud-mirror get` shows on a terminal.
    @Suite(.timeLimit(.minutes(1)))
    struct GetTerminalTests {
        /// Runs a command on a terminal of its own; each redrawing of a line is a line of the output.
        private static let terminal = """
            import os, pty, sys
            read = lambda descriptor: os.read(descriptor, 1024).replace(b"\\r", b"\\n")
            sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
            """

        private func onTerminal(_ arguments: [String], _ environment: [String: String]) async throws -> ChildProcess {
            try await ChildProcess.start(
                "python3", ["-c", Self.terminal, try TestEnvironment.executable()] + arguments, environment: environment)
        }

        @Test(
            "While the mirror copies it says so and for how long, and no terminal gets an escape code",
            arguments: [["TERM": "xterm-256color"], ["TERM": "xterm", "NO_COLOR": "1"], ["TERM": ""]])
        func showsTheWait(environment: [String: String]) async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .generated(size: 3_000_000, seed: 91).with { $0.gate = gate })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let file = "\(mirror.directory.path)/out"
                    let process = try await onTerminal(["get", origin.url("/a.bin"), "--mirror", mirror.url, "-o", file], environment)
                    _ = try await process.line { $0.hasPrefix("the mirror is copying it (3 s)") }
                    gate.open()
                    let (exit, output) = try await process.end()
                    #expect(exit == .code(0), "\(output)")
                    #expect(output.contains("sha-256 verified"))
                    #expect(!output.contains("\u{1B}"))
                }
            }
        }

        @Test("A dumb terminal, and what is not a terminal, get messages and no line that is drawn anew", arguments: [true, false])
        func plain(isTerminal: Bool) async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .generated(size: 3_000_000, seed: 92).with { $0.gate = gate })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let arguments = ["get", origin.url("/a.bin"), "--mirror", mirror.url, "-o", "\(mirror.directory.path)/out"]
                    let process =
                        isTerminal
                        ? try await onTerminal(arguments, ["TERM": "dumb"])
                        : try await ChildProcess.start(try TestEnvironment.executable(), arguments, environment: ["TERM": "xterm"])
                    _ = try await process.line { $0 == "cloud-mirror: the mirror is copying it; waiting" }
                    gate.open()
                    let (exit, output) = try await process.end()
                    #expect(exit == .code(0), "\(output)")
                    let lines = output.split(separator: "\n")
                    #expect(lines.count == 2, "\(output)")
                    #expect(lines.allSatisfy { $0.hasPrefix("cloud-mirror: ") })
                    #expect(!output.contains("\u{1B}"))
                }
            }
        }
    }
}
