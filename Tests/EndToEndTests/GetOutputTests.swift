import Foundation
import TestServers
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension EndToEndWaits {
    /// What `cloud-mirror get -o` writes to, and what it leaves alone.
    @Suite(.timeLimit(.minutes(1)))
    struct GetOutputTests {
        private static let bytes = Array("the artifact's bytes\n".utf8)

        /// An origin that is its own mirror: what is not at `/v1/redirect/…` answers 404 there, and `get` asks the origin.
        private func withOrigin(_ body: (FakeOrigin, TemporaryDirectory) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .body(Self.bytes))
                try await body(origin, try TemporaryDirectory())
            }
        }

        private func get(_ origin: FakeOrigin, _ path: String = "/a.bin", to output: String) async throws -> Command.Result {
            try await Command.run(["get", origin.url(path), "--mirror", origin.url("/"), "-o", output])
        }

        /// A line of a shell, in which `$GET` gets the artifact.
        private func shell(_ line: String, _ origin: FakeOrigin) async throws {
            let get = "'\(try TestEnvironment.executable())' get '\(origin.url("/a.bin"))' --mirror '\(origin.url("/"))' --quiet"
            try await ChildProcess.run("/bin/sh", ["-ec", line.replacing("$GET", with: get)])
        }

        private static func kind(_ path: String) -> mode_t {
            var status = stat()
            return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
        }

        @Test("A pipe is written through, and stays a pipe", arguments: [false, true])
        func pipe(isLinked: Bool) async throws {
            try await withOrigin { origin, directory in
                let pipe = "\(directory.path)/pipe"
                try #require(mkfifo(pipe, 0o600) == 0)
                let output = isLinked ? "\(directory.path)/link" : pipe
                if isLinked { try #require(symlink("pipe", output) == 0) }
                let reader = try await ChildProcess.start("cat", [pipe])
                let result = try await get(origin, to: output)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(Array(try await reader.end().output.utf8) == Self.bytes)
                #expect(Self.kind(pipe) == S_IFIFO)
                if isLinked { #expect(Self.kind(output) == S_IFLNK) }
                #expect(try directory.contents().count == (isLinked ? 2 : 1))
            }
        }

        @Test(
            "A device is written to, and stays a device", .enabled(if: Privileges.makesDevices, "making a device needs root"),
            arguments: [false, true])
        func device(isLinked: Bool) async throws {
            try await withOrigin { origin, directory in
                // As /dev/null, but a test's own.
                let device = "\(directory.path)/device"
                try await ChildProcess.run("mknod", [device, "c", "1", "3"])
                let output = isLinked ? "\(directory.path)/link" : device
                if isLinked { try #require(symlink(device, output) == 0) }
                let result = try await get(origin, to: output)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(Self.kind(device) == S_IFCHR)
                if isLinked { #expect(Self.kind(output) == S_IFLNK) }
                #expect(try directory.contents().count == (isLinked ? 2 : 1))
                // A digest that is not right takes nothing away either.
                let wrong = try await Command.run(
                    ["get", origin.url("/a.bin"), "--mirror", origin.url("/"), "-o", output, "--sha256", String(repeating: "0", count: 64)])
                #expect(wrong.exit == .code(3))
                #expect(Self.kind(device) == S_IFCHR)
            }
        }

        @Test("A descriptor of the process is written to where it stands")
        func descriptors() async throws {
            try await withOrigin { origin, directory in
                for (name, redirection) in [
                    ("/dev/stdout", ">>FILE"), ("/dev/fd/1", ">>FILE"), ("/proc/self/fd/1", ">>FILE"), ("/dev/fd/3", "3>>FILE"),
                    ("LINK", ">>FILE"),
                ] {
                    let file = try directory.write("before\n", to: "out")
                    let link = "\(directory.path)/stdout"
                    unlink(link)
                    try #require(symlink("/dev/stdout", link) == 0)
                    try await shell(
                        "$GET -o '\(name.replacing("LINK", with: link))' \(redirection.replacing("FILE", with: "'\(file)'"))", origin)
                    #expect(try directory.read("out") == Array("before\n".utf8) + Self.bytes, "\(name)")
                }
                let piped = try await get(origin, to: "/dev/stdout")
                #expect(Array(piped.output.utf8) == Self.bytes)
                let closed = try await get(origin, to: "/dev/fd/77")
                #expect(closed.exit == .code(1))
                #expect(closed.errors.contains("/dev/fd/77 cannot be written"))
            }
        }

        @Test("A link to a file stays a link, and the file keeps its permissions; a link to nothing is filled")
        func links() async throws {
            try await withOrigin { origin, directory in
                let file = try directory.write("old", to: "file")
                chmod(file, 0o640)
                try FileManager.default.createDirectory(atPath: "\(directory.path)/sub", withIntermediateDirectories: false)
                let link = "\(directory.path)/sub/link"
                try #require(symlink("../file", link) == 0)
                #expect(try await get(origin, to: link).exit == .code(0))
                #expect(Self.kind(link) == S_IFLNK)
                #expect(try directory.read("file") == Self.bytes)
                #expect(try directory.mode("file") == 0o640)
                let dangling = "\(directory.path)/sub/new"
                try #require(symlink("../made", dangling) == 0)
                #expect(try await get(origin, to: dangling).exit == .code(0))
                #expect(Self.kind(dangling) == S_IFLNK)
                #expect(try directory.read("made") == Self.bytes)
                try #require(symlink("loop", "\(directory.path)/loop") == 0)
                #expect(try await get(origin, to: "\(directory.path)/loop").exit == .code(1))
            }
        }

        @Test(
            "What cannot be written to is an error that names it, before anything is fetched",
            arguments: ["directory", "socket", "below a file", "nowhere"])
        func refuses(what: String) async throws {
            try await withOrigin { origin, directory in
                var output = "\(directory.path)/\(what)"
                switch what {
                case "directory": try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
                case "socket":
                    try await ChildProcess.run(
                        "python3", ["-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", output])
                case "below a file": output = try directory.write("x", to: what) + "/out"
                default: output += "/nowhere/out"
                }
                let before = try directory.contents()
                let result = try await get(origin, to: output)
                #expect(result.exit == .code(1))
                #expect(result.errors.contains(output))
                #expect(origin.requests(for: "/a.bin").isEmpty)
                #expect(try directory.contents() == before)
            }
            #expect(try await Command.run(["get", "https://example.org/a", "-o", ""]).exit == .code(64))
        }

        @Test("A file that is there stays as it is when the download fails")
        func keepsFile() async throws {
            try await withOrigin { origin, directory in
                let file = try directory.write("old", to: "file")
                origin.on("/short.bin", .body(Self.bytes).with { $0.truncateAfter = 5 })
                origin.on("/other.bin", .status(500))
                for (path, exit) in [("/missing", 2), ("/short.bin", 1), ("/other.bin", 1)] {
                    #expect(try await get(origin, path, to: file).exit == .code(Int32(exit)), "\(path)")
                    #expect(try directory.read("file") == Array("old".utf8))
                }
                let wrong = try await Command.run(
                    ["get", origin.url("/a.bin"), "--mirror", origin.url("/"), "-o", file, "--sha256", String(repeating: "0", count: 64)])
                #expect(wrong.exit == .code(3))
                #expect(try directory.read("file") == Array("old".utf8))
            }
        }

        @Test("What somebody put in the place of the unfinished file is not followed", arguments: ["link", "pipe"])
        func part(what: String) async throws {
            try await withOrigin { origin, directory in
                let victim = try directory.write("victim", to: "victim")
                let part = "\(directory.path)/out.part"
                try #require((what == "link" ? symlink(victim, part) : mkfifo(part, 0o600)) == 0)
                let result = try await get(origin, to: "\(directory.path)/out")
                #expect(result.exit == .code(1))
                #expect(result.errors.contains("out.part"))
                #expect(try directory.read("victim") == Array("victim".utf8))
            }
        }
    }
}
