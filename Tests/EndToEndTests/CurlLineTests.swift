import Foundation
import MirrorCore
import TestServers
import Testing

extension EndToEnd {
    /// The lines for curl that the service and its documents show, run as they stand but for the names that are to be put in.
    @Suite(.timeLimit(.minutes(1)))
    struct CurlLineTests {
        private static let bytes = Array("the artifact\n".utf8)

        private func withMirror(_ body: (MirrorProcess, _ artifact: String) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/builds/app-1.4.tar.gz", .body(Self.bytes))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    try await body(mirror, origin.url("/builds/app-1.4.tar.gz"))
                }
            }
        }

        /// In an empty environment.
        private func shell(_ line: String) async throws -> (exit: ChildProcess.Exit, output: String) {
            try await ChildProcess.start("env", ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "sh", "-c", line]).end()
        }

        private func curlLine(in text: String) throws -> String {
            let line = text.split(separator: "\n").first { $0.contains("curl ") }
            return String(try #require(line, "\(text)").drop { $0 == " " })
        }

        @Test("The line that / shows downloads the file")
        func home() async throws {
            try await withMirror { mirror, artifact in
                let file = "\(mirror.directory.path)/out"
                let shown = try await shell("curl -s \(mirror.url)/")
                let line = try curlLine(in: shown.output).replacing("https://HOST/PATH", with: artifact).replacing("NAME", with: file)
                let result = try await shell(line)
                #expect(result.exit == .code(0), "\(result.output)")
                #expect(try mirror.directory.read("out") == Self.bytes)
                #expect(try await shell("curl -sI \(mirror.url)/").output.hasPrefix("HTTP/1.1 200"))
            }
        }

        @Test("The link that the form shows, and its line, download the file")
        func link() async throws {
            try await withMirror { mirror, artifact in
                let shown = try await shell("curl -s '\(mirror.url)/v1/go?show=link&url=\(PercentCoding.encode(artifact))'")
                let result = try await shell("cd '\(mirror.directory.path)' && \(try curlLine(in: shown.output))")
                #expect(result.exit == .code(0), "\(result.output)")
                #expect(try mirror.directory.read("app-1.4.tar.gz") == Self.bytes)
            }
        }

        @Test(
            "`url` prints the address and nothing else, and curl downloads the file from it",
            arguments: [["--mirror"], ["--server", "--pool", "local/dev", "--wait", "9"]])
        func url(options: [String]) async throws {
            try await withMirror { mirror, artifact in
                let arguments = ["url", artifact, options[0], mirror.url] + options.dropFirst()
                let printed = try await Command.run(arguments)
                #expect(printed.exit == .code(0))
                #expect(printed.errors == "")
                let encoded = PercentCoding.encode(artifact)
                #expect(
                    printed.output == "\(mirror.url)/v1/redirect/"
                        + (options.count == 1 ? "\(encoded)\n" : "local/dev/\(encoded)?wait=9\n"))
                let help = try await Command.run(["url", "--help"])
                let line = try #require(help.output.split(separator: "\n").first { $0.contains("curl -fL") })
                #expect(line.contains(#"curl -fL "$(cloud-mirror url https://HOST/PATH)" -o NAME"#))
                let result = try await shell("curl -fL '\(printed.output.filter { $0 != "\n" })' -o '\(mirror.directory.path)/out'")
                #expect(result.exit == .code(0), "\(result.output)")
                #expect(try mirror.directory.read("out") == Self.bytes)
            }
            #expect(try await Command.run(["url", "no url"]).exit == .code(64))
        }

        @Test("The line of the greeting downloads the file, and writes nothing into it but the file")
        func greeting() async throws {
            try await MirrorProcess.runWithoutConfiguration { greeter in
                let line = try curlLine(in: greeter.log)
                #expect(line.hasPrefix("curl -fL '\(greeter.url)/v1/redirect/local/dev/https%3A%2F%2F<host>%2F<path>' -o NAME"))
                // Refused: no file.
                let refused = try await shell(
                    line.replacing("<host>%2F<path>", with: "127.0.0.1%2Fx").replacing("NAME", with: "'\(greeter.directory.path)/refused'"))
                #expect(refused.exit == .code(22))
                #expect(!greeter.directory.exists("refused"))
                try await withMirror { mirror, artifact in
                    let here = line.replacing(greeter.url, with: mirror.url)
                        .replacing("https%3A%2F%2F<host>%2F<path>", with: PercentCoding.encode(artifact))
                        .replacing("NAME", with: "'\(mirror.directory.path)/out'")
                    let result = try await shell(here)
                    #expect(result.exit == .code(0))
                    #expect(try mirror.directory.read("out") == Self.bytes)
                }
            }
        }

        @Test("The lines of the README do what stands below them")
        func readme() async throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let text = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
            let lines = text.split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
            let (assignment, commands) = (try #require(lines.first { $0.hasPrefix("URL=") }), lines.filter { $0.hasPrefix("curl ") })
            #expect(commands.count == 4)
            try await withMirror { mirror, artifact in
                let prefix = assignment.replacing(
                    "http%3A%2F%2Fartifacts.example.org%2Fbuilds%2Fapp-1.4.tar.gz", with: PercentCoding.encode(artifact))
                #expect(prefix != assignment)
                var outputs: [String] = []
                for command in commands {
                    let line = "cd '\(mirror.directory.path)'; \(prefix); \(command.replacing("http://127.0.0.1:8080", with: mirror.url))"
                    let (exit, output) = try await shell(line)
                    #expect(exit == .code(0), "\(command)")
                    outputs.append(output)
                }
                #expect(outputs[0].contains("HTTP/1.1 302 Found"))
                #expect(outputs[0].contains("X-Cloud-Mirror-Outcome: wait"))
                #expect(outputs[1] == "X-Cloud-Mirror-Outcome: hit\r\n")
                #expect(try mirror.directory.read("app-1.4.tar.gz") == Self.bytes)
                #expect(outputs[3] == "\(try FakeBody.bytes(Self.bytes).sha256.hex)  -\n")
            }
        }
    }
}
