import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror get`.
    @Suite(.timeLimit(.minutes(1)))
    struct GetCommandTests {
        private static let size: Int64 = 1_800_000
        private static let good = FakeBehavior.generated(size: size, seed: 51)
        private static let bytes = good.body.bytes(0..<size)

        /// A mirror, and an origin with `/a.bin`.
        private func withMirror(_ body: (MirrorProcess, FakeOrigin, _ artifact: String) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", Self.good)
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    try await body(mirror, origin, origin.url("/a.bin"))
                }
            }
        }

        private func get(_ artifact: String, from mirror: String, to file: String, _ more: String...) async throws -> Command.Result {
            try await Command.run(["get", artifact, "--mirror", mirror, "--output", file] + more)
        }

        @Test("It writes the artifact's bytes, and says that their digest was checked")
        func downloads() async throws {
            try await withMirror { mirror, origin, artifact in
                let file = "\(mirror.directory.path)/out.bin"
                let first = try await get(artifact, from: mirror.url, to: file)
                #expect(first.exit == .code(0), "\(first.errors)")
                #expect(first.output == "")
                #expect(first.errors.contains("local/dev (wait)"))
                #expect(first.errors.contains("sha-256 verified"))
                let isRight = try mirror.directory.read("out.bin") == Self.bytes
                #expect(isRight)
                let fetched = origin.requests.count
                let second = try await get(
                    artifact, from: mirror.url, to: "\(mirror.directory.path)/again.bin", "--pool", "local/dev", "--quiet")
                #expect(second.exit == .code(0))
                #expect(second.errors == "")
                #expect(origin.requests.count == fetched)
                #expect(!mirror.directory.exists("again.bin.part"))
                #expect(!mirror.directory.exists("again.bin.part.json"))
            }
        }

        @Test("Output to - is the bytes and nothing else")
        func writesToStandardOutput() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.txt", .text("the text"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let result = try await get(origin.url("/a.txt"), from: mirror.url, to: "-")
                    #expect(result.exit == .code(0))
                    #expect(result.output == "the text")
                }
            }
        }

        @Test("A digest that does not match is exit code 3, and no file")
        func checksDigest() async throws {
            try await withMirror { mirror, _, artifact in
                let file = "\(mirror.directory.path)/out.bin"
                let right = try Self.good.body.sha256.hex
                #expect(try await get(artifact, from: mirror.url, to: file, "--sha256", right).exit == .code(0))
                let wrong = String(repeating: "0", count: 64)
                let result = try await get(artifact, from: mirror.url, to: "\(mirror.directory.path)/wrong.bin", "--sha256", wrong)
                #expect(result.exit == .code(3))
                #expect(!mirror.directory.exists("wrong.bin"))
            }
        }

        @Test("A partial download is continued, and one with wrong bytes is found out")
        func resumes() async throws {
            try await withMirror { mirror, _, artifact in
                let copy = try await mirror.follow(mirror.redirect(artifact))
                let etag = try #require(copy.headers.first(name: "ETag"))
                let record = "{\"url\":\"\(artifact)\",\"validator\":\"\(etag.replacing("\"", with: "\\\""))\"}"
                let half = Array(Self.bytes.prefix(900_000))

                try mirror.directory.write(half, to: "out.bin.part")
                try mirror.directory.write(record, to: "out.bin.part.json")
                let resumed = try await get(artifact, from: mirror.url, to: "\(mirror.directory.path)/out.bin")
                #expect(resumed.exit == .code(0), "\(resumed.errors)")
                let isRight = try mirror.directory.read("out.bin") == Self.bytes
                #expect(isRight)

                // That these bytes count at all shows that the run above continued, too.
                try mirror.directory.write(half.map { $0 ^ 1 }, to: "bad.bin.part")
                try mirror.directory.write(record, to: "bad.bin.part.json")
                let tampered = try await get(artifact, from: mirror.url, to: "\(mirror.directory.path)/bad.bin")
                #expect(tampered.exit == .code(3))
                #expect(!mirror.directory.exists("bad.bin"))
                #expect(!mirror.directory.exists("bad.bin.part"))

                // Of another version: begun anew.
                try mirror.directory.write(half.map { $0 ^ 1 }, to: "old.bin.part")
                try mirror.directory.write(record.replacing(etag.filter { $0 != "\"" }, with: "another"), to: "old.bin.part.json")
                let restarted = try await get(artifact, from: mirror.url, to: "\(mirror.directory.path)/old.bin")
                #expect(restarted.exit == .code(0), "\(restarted.errors)")
                let isRightAgain = try mirror.directory.read("old.bin") == Self.bytes
                #expect(isRightAgain)
            }
        }

        @Test("Without a mirror it fetches from the origin, and says so")
        func fallsBackToTheOrigin() async throws {
            try await withMirror { mirror, origin, artifact in
                let url = mirror.url
                try await mirror.end(.terminate)
                let result = try await get(artifact, from: url, to: "\(mirror.directory.path)/out.bin")
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(result.errors.contains("asking the origin"))
                let isRight = try mirror.directory.read("out.bin") == Self.bytes
                #expect(isRight)
                #expect(origin.requests.count == 1)
            }
        }

        @Test("A mirror that waits for a copy too long sends it to the origin")
        func followsFallback() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                // The mirror asks for ranges, and gets nothing; the command asks for the whole.
                origin.on("/a.bin") { request in request.header("Range") == nil ? Self.good : Self.good.with { $0.gate = gate } }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let result = try await get(
                        origin.url("/a.bin"), from: mirror.url, to: "\(mirror.directory.path)/out.bin", "--wait", "0")
                    #expect(result.exit == .code(0), "\(result.errors)")
                    #expect(result.errors.contains("the mirror redirects to the origin (fallback)"))
                    let isRight = try mirror.directory.read("out.bin") == Self.bytes
                    #expect(isRight)
                }
            }
        }

        @Test("What the origin does not have is exit code 2, what the mirror refuses 1, a command line that is wrong 64")
        func exitCodes() async throws {
            try await withMirror { mirror, origin, artifact in
                let file = "\(mirror.directory.path)/out.bin"
                let missing = try await get(origin.url("/missing"), from: mirror.url, to: file)
                #expect(missing.exit == .code(2))
                #expect(missing.errors.contains("404"))
                let refused = try await get("http://example.org/a.bin", from: mirror.url, to: file)
                #expect(refused.exit == .code(1))
                #expect(refused.errors.contains("refuses"))
                let unknownPool = try await get(artifact, from: mirror.url, to: file, "--pool", "local/elsewhere")
                #expect(unknownPool.exit == .code(1))
                #expect(unknownPool.errors.contains("no such pool; the pools are local/dev"))
                #expect(try await Command.run(["get"]).exit == .code(64))
                #expect(try await Command.run(["get", "not a url"]).exit == .code(64))
                #expect(try await get(artifact, from: "not a url", to: file).exit == .code(64))
                #expect(!mirror.directory.exists("out.bin"))
            }
        }
    }
}
