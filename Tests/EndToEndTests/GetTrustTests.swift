import Foundation
import MirrorCore
import TestServers
import Testing

extension EndToEndWaits {
    /// What `cloud-mirror get` believes, and whom it asks next.
    @Suite(.timeLimit(.minutes(1)))
    struct GetTrustTests {
        private static let bytes = Array("the artifact".utf8)
        private static let digest = "sha-256=:\(Base64.encode(Array((try? FakeBody.bytes(bytes).sha256.bytes) ?? []))):"

        /// One server that is the origin of `/a.bin` and, at other paths, whatever stands where the mirror should be.
        private func withServer(_ body: (FakeOrigin, _ artifact: String, _ asked: String, TemporaryDirectory) async throws -> Void)
            async throws
        {
            try await FakeOrigin.run { server in
                server.on("/a.bin", .body(Self.bytes))
                let artifact = server.url("/a.bin")
                try await body(server, artifact, "/v1/redirect/\(PercentCoding.encode(artifact))", try TemporaryDirectory())
            }
        }

        private func get(_ artifact: String, _ server: FakeOrigin, _ directory: TemporaryDirectory) async throws -> Command.Result {
            try await Command.run(["get", artifact, "--mirror", server.url("/"), "-o", "\(directory.path)/out"])
        }

        private static func answer(_ status: Int, _ outcome: String?, location: String? = nil, digest: String? = nil) -> FakeBehavior {
            FakeBehavior.status(status, "<html>who are you?</html>").with {
                if let outcome { $0.headers.append(("X-Cloud-Mirror-Outcome", outcome)) }
                if let location { $0.headers.append(("Location", location)) }
                if let digest { $0.headers.append(("Repr-Digest", digest)) }
            }
        }

        @Test(
            "What is not a mirror's answer is neither the artifact nor the origin's word",
            arguments: [200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504])
        func others(status: Int) async throws {
            try await withServer { server, artifact, asked, directory in
                server.on("/login", .text("<html>log in</html>"))
                let location = (300..<400).contains(status) ? server.url("/login") : nil
                server.on(asked, Self.answer(status, nil, location: location, digest: Self.digest))
                let result = try await get(artifact, server, directory)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(result.errors.contains("does not look like a cloud-mirror"))
                #expect(result.errors.contains("asking the origin"))
                #expect(try directory.read("out") == Self.bytes)
                #expect(server.requests(for: "/login").isEmpty)
                // And when the origin does not have it either, that is the origin's word.
                server.on("/a.bin", .status(404))
                let missing = try await get(artifact, server, directory)
                #expect(missing.exit == .code(2))
                #expect(try directory.read("out") == Self.bytes)
            }
        }

        @Test("What the origin told the mirror is called the origin's", arguments: [503, 500, 429])
        func originFails(status: Int) async throws {
            try await withServer { server, artifact, asked, directory in
                server.on(asked, Self.answer(status, "error"))
                let result = try await get(artifact, server, directory)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(result.errors.contains("the origin answered the mirror with status \(status)"))
                #expect(!result.errors.contains("the mirror at"))
                server.on("/a.bin", .status(status))
                let failed = try await get(artifact, server, directory)
                #expect(failed.exit == .code(1))
                #expect(failed.errors.contains("the origin does not serve this artifact: status \(status)"))
            }
        }

        @Test("A copy that is not what the mirror stated is thrown away, whatever it is called")
        func copyIsAnotherThing() async throws {
            try await withServer { server, artifact, asked, directory in
                server.on("/copy", .text("<html>log in</html>"))
                server.on(asked, Self.answer(302, "hit", location: "/copy", digest: Self.digest))
                let result = try await get(artifact, server, directory)
                #expect(result.exit == .code(3))
                #expect(try directory.contents() == [])
            }
        }

        @Test("A mirror that says that it is copying is asked again, on and on, and only itself")
        func hops() async throws {
            try await withServer { server, artifact, asked, directory in
                server.on("/copy", .body(Self.bytes))
                server.on(asked) { request in
                    let hop = request.uri.split(separator: "hop=").dropFirst().first.flatMap { Int($0) } ?? 0
                    return hop < 30
                        ? Self.answer(302, "hop", location: "?hop=\(hop + 1)")
                        : Self.answer(302, "wait", location: "/copy", digest: Self.digest)
                }
                let result = try await get(artifact, server, directory)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(result.errors.contains("the mirror (wait), sha-256 verified"))
                #expect(server.requests(for: asked).count == 31)
                #expect(server.requests(for: "/a.bin").isEmpty)
                #expect(try directory.read("out") == Self.bytes)

                server.on("/elsewhere", .body(Self.bytes))
                server.on(asked, Self.answer(302, "hop", location: server.url("/elsewhere").replacing("127.0.0.1", with: "127.0.0.2")))
                let elsewhere = try await get(artifact, server, directory)
                #expect(elsewhere.exit == .code(0))
                #expect(elsewhere.errors.contains("but redirects elsewhere"))
                #expect(server.requests(for: "/elsewhere").isEmpty)

                server.on(asked, Self.answer(302, "hop", location: "?hop=1"))
                let endless = try await get(artifact, server, directory)
                #expect(endless.exit == .code(0))
                #expect(endless.errors.contains("more than 100 times"))
                #expect(server.requests(for: "/a.bin").count == 2)
            }
        }

        @Test("A copy that is not there is reported once, and the mirror's next answer is followed", arguments: [403, 404, 410])
        func missing(status: Int) async throws {
            try await withServer { server, artifact, asked, directory in
                server.on("/gone", .status(status))
                server.on("/copy", .body(Self.bytes))
                server.on(asked) { request in
                    request.uri.contains("missing=1")
                        ? Self.answer(302, "wait", location: "/copy", digest: Self.digest)
                        : Self.answer(302, "hit", location: "/gone", digest: Self.digest)
                }
                let result = try await get(artifact, server, directory)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(server.requests(for: asked).map(\.uri) == [asked, asked + "?missing=1"])
                #expect(server.requests(for: "/a.bin").isEmpty)

                // It is gone again: the origin has it.
                server.on(asked, Self.answer(302, "hit", location: "/gone", digest: Self.digest))
                let again = try await get(artifact, server, directory)
                #expect(again.exit == .code(0), "\(again.errors)")
                #expect(server.requests(for: asked).count == 4)
                #expect(server.requests(for: "/a.bin").count == 1)
                #expect(try directory.read("out") == Self.bytes)
            }
        }

        @Test("A real mirror whose object was removed behind its back copies it anew for who reports it")
        func realMissing() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .body(Self.bytes))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let file = "\(mirror.directory.path)/out"
                    func get() async throws -> Command.Result {
                        try await Command.run(["get", origin.url("/a.bin"), "--mirror", mirror.url, "-o", file])
                    }
                    #expect(try await get().exit == .code(0))
                    for object in try mirror.objects() {
                        try FileManager.default.removeItem(atPath: "\(mirror.directory.path)/pool/files/\(object)")
                    }
                    let result = try await get()
                    #expect(result.exit == .code(0), "\(result.errors)")
                    #expect(result.errors.contains("local/dev ("), "\(result.errors)")
                    #expect(try mirror.directory.read("out") == Self.bytes)
                    #expect(try mirror.objects().count == 1)
                }
            }
        }
    }
}
