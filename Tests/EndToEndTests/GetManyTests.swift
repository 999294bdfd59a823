import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror get` of several artifacts.
    @Suite(.timeLimit(.minutes(1)))
    struct GetManyTests {
        private func withMirror(_ body: (MirrorProcess, FakeOrigin) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                for name in ["a", "b", "c"] { origin.on("/\(name).txt", .text("the text of \(name)")) }
                origin.on("/gone.txt", .status(404))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { try await body($0, origin) }
            }
        }

        @Test("Those of the command line and of a file are all written to the directory, each under its name")
        func many() async throws {
            try await withMirror { mirror, origin in
                let list = try mirror.directory.write("# more\n\n\(origin.url("/b.txt"))\n\(origin.url("/c.txt"))\n", to: "list")
                let result = try await Command.run([
                    "get", origin.url("/a.txt"), "--from", list, "--directory", mirror.directory.path, "--mirror", mirror.url,
                ])
                #expect(result.exit == .code(0), "\(result.errors)")
                for name in ["a", "b", "c"] {
                    #expect(try String(decoding: mirror.directory.read("\(name).txt"), as: UTF8.self) == "the text of \(name)")
                }
            }
        }

        @Test("One that fails does not keep the others from being downloaded; the exit code is what the failures have in common")
        func failures() async throws {
            try await withMirror { mirror, origin in
                let common = ["--directory", mirror.directory.path, "--mirror", mirror.url]
                let one = try await Command.run(["get", origin.url("/gone.txt"), origin.url("/a.txt")] + common)
                #expect(one.exit == .code(2), "\(one.errors)")
                #expect(one.errors.contains("\(origin.url("/gone.txt")): "))
                #expect(one.errors.contains("1 of 2 artifacts were not downloaded"))
                #expect(mirror.directory.exists("a.txt"))

                let list = try mirror.directory.write("not a URL\n\(origin.url("/gone.txt"))\n\(origin.url("/b.txt"))\n", to: "list")
                let mixed = try await Command.run(["get", "--from", list] + common)
                #expect(mixed.exit == .code(1), "\(mixed.errors)")
                #expect(mixed.errors.contains("list:1: not a URL"))
                #expect(mixed.errors.contains("2 of 3 artifacts were not downloaded"))
                #expect(mirror.directory.exists("b.txt"))
            }
        }

        @Test("What cannot be meant is refused before anything is downloaded")
        func refusals() async throws {
            try await withMirror { mirror, origin in
                let (first, second) = (origin.url("/a.txt"), origin.url("/other/a.txt"))
                let same = try await Command.run(["get", first, second, "--directory", mirror.directory.path, "--mirror", mirror.url])
                #expect(same.exit == .code(64))
                #expect(same.errors.contains("would both be written to a.txt"))
                #expect(try await Command.run(["get", first, second, "--output", "x"]).exit == .code(64))
                #expect(try await Command.run(["get", first, "--output", "x", "--directory", "y"]).exit == .code(64))
                #expect(try await Command.run(["get"]).exit == .code(64))
                #expect(origin.requests.isEmpty)
            }
        }
    }
}
