import Crypto
import MirrorCore
import NIOHTTP1
import StorageCloud
import StorageS3
import TestServers
import Testing

extension EndToEnd {
    /// Buckets of one server play regions: artifacts are at home in one, and are read from another.
    @Suite(.enabled(if: S3Server.isExpected, "no S3 server was started"), .timeLimit(.minutes(2)))
    struct S3Tests {
        static let pool = "s3/eu-central-1"

        func redirect(_ mirror: MirrorProcess, _ artifact: String, _ query: String = "") async throws -> HTTP.Answer {
            try await mirror.send(.GET, "/v1/redirect/\(Self.pool)/\(PercentCoding.encode(artifact))\(query)")
        }

        func random(_ size: Int) -> [UInt8] {
            var generator = SystemRandomNumberGenerator()
            return (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }

        /// What `curl -L` does: no credentials, no fields of its own.
        func download(_ answer: HTTP.Answer) async throws -> HTTP.Answer {
            try await HTTP.send(.GET, try #require(answer.location))
        }

        func settings(_ server: S3Server, pool: String, access: String = "presigned", secretKey: String? = nil) -> MirrorSettings {
            var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
            settings.morePools = ["\(Self.pool): \(server.settings(pool, secretKey: secretKey, ", access: \(access)"))"]
            return settings
        }

        @Test("A key whose last component begins with a mark that combines with the slash is copied, listed and found under its own name")
        func combiningMark() async throws {
            let server = try S3Server()
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            let bytes = random(1_000)
            try await server.put(bytes, "x/\u{301}x.bin", in: home)
            var settings = settings(server, pool: pool)
            settings.buckets = [server.settings(home)]
            try await MirrorProcess.run(settings) { mirror async throws in
                for outcome in ["wait", "hit"] {
                    let answer = try await redirect(mirror, "s3://\(home)/x/\u{301}x.bin")
                    #expect(answer.outcome == outcome)
                    #expect(try #require(answer.location).contains("/%CC%81x.bin?"))
                    let isSame = try await download(answer).body == bytes
                    #expect(isSame)
                }
            }
        }

        @Test("From one region to another: copied by the service itself, redirected to at once, identical, private")
        func story() async throws {
            let server = try S3Server()
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            let bytes = random(12 << 20)
            try await server.put(bytes, "firefox/50/firefox-50.tar.bz2", in: home, type: "application/x-bzip2")
            var settings = settings(server, pool: pool)
            settings.buckets = [server.settings(home)]
            try await MirrorProcess.run(settings) { mirror async throws in
                let first = try await redirect(mirror, "s3://\(home)/firefox/50/firefox-50.tar.bz2")
                #expect(first.status == 302)
                #expect(first.outcome == "wait")
                // Another spelling of the same object.
                let second = try await redirect(mirror, "\(server.url)/\(home)/firefox/50/firefox%2D50.tar.bz2")
                #expect(second.outcome == "hit")
                let third = try await redirect(mirror, "s3://\(home)/firefox/50/firefox-50.tar.bz2")
                #expect(third.outcome == "hit")
                for answer in [first, second, third] {
                    let location = try #require(answer.location)
                    #expect(location.hasPrefix("\(server.url)/\(pool)/"))
                    #expect(location.contains("/firefox-50.tar.bz2?"))
                    let object = try await download(answer)
                    #expect(object.status == 200)
                    let isSame = object.body == bytes
                    #expect(isSame)
                    #expect(object.headers.first(name: "Content-Type") == "application/x-bzip2")
                }
                // The mirror carried nothing.
                #expect(try await mirror.metric("cloud_mirror_copy_bytes_total", "pool=\"\(Self.pool)\"") ?? 0 < 1_048_576)
                #expect(try await mirror.copiedByService(into: Self.pool, from: "origin") == bytes.count)
                // The signature is good for this object alone, and nobody gets it without one.
                let location = try #require(third.location)
                #expect(try await HTTP.send(.GET, location.replacing("firefox-50", with: "firefox-51")).status == 403)
                #expect(try await HTTP.send(.GET, location + "0").status == 403)
                #expect(try await HTTP.send(.GET, String(location.prefix { $0 != "?" })).status == 403)
                // Secrets are nowhere.
                #expect(!mirror.log.contains(server.secretKey))
                #expect(!mirror.log.contains("X-Amz-Signature"))
            }
        }

        @Test("Who cannot be helped is sent to a signed URL of the private origin")
        func fallback() async throws {
            let server = try S3Server()
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            let bytes = random(100_000)
            try await server.put(bytes, "a.bin", in: home)
            // The pool's credentials are wrong, so nothing can be copied.
            var settings = settings(server, pool: pool, secretKey: "a-secret-that-is-wrong")
            settings.buckets = [server.settings(home)]
            try await MirrorProcess.run(settings) { mirror async throws in
                let answer = try await redirect(mirror, "s3://\(home)/a.bin")
                #expect(answer.status == 302)
                #expect(answer.outcome == "fallback")
                #expect(answer.location?.hasPrefix("\(server.url)/\(home)/a.bin?") == true)
                let object = try await download(answer)
                let isSame = object.body == bytes
                #expect(isSame)
                let ready = try await mirror.send(.GET, "/readyz")
                #expect(ready.status == 200, "the other pool is well")
                #expect(
                    ready.text.contains("\"pool \(Self.pool)\":\"unavailable: these credentials or permissions do not allow its use\""),
                    "\(ready.text)")
                #expect(mirror.log.contains("permissionDenied"))
                #expect(!mirror.log.contains("a-secret-that-is-wrong"))
            }
        }

        @Test("Keys that an origin's bucket refuses are the operator's trouble: clients are sent to the origin")
        func refusedKeys() async throws {
            let server = try S3Server()
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            try await server.put(random(1_000), "a.bin", in: home)
            var settings = settings(server, pool: pool)
            settings.buckets = [server.settings(home, secretKey: "a-secret-that-is-wrong")]
            try await MirrorProcess.run(settings) { mirror async throws in
                for _ in 0..<2 {
                    let answer = try await redirect(mirror, "s3://\(home)/a.bin")
                    #expect(answer.status == 302)
                    #expect(answer.outcome == "fallback")
                    // What the service does not take for a signature is not given to clients.
                    #expect(answer.location == "\(server.url)/\(home)/a.bin")
                }
                let line = mirror.log.split(separator: "\n").first { $0.contains("an origin's bucket refuses the mirror") }
                #expect(line?.contains(home) == true && line?.contains("SignatureDoesNotMatch") == true, "\(mirror.log)")
                #expect(try await mirror.metric("cloud_mirror_errors_total", "kind=\"origin.permissionDenied\"") ?? 0 >= 1)
            }
        }

        @Test("A pool on a server that refuses conditions, checksums and signed streams gets artifacts all the same")
        func openStack() async throws {
            let server = try S3Server(.openStack)
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            let bytes = random(1 << 20)
            try await server.put(bytes, "large.bin", in: home)
            try await FakeOrigin.run { origin async throws in
                let large = FakeBehavior.generated(size: 12 << 20, seed: 3)
                origin.on("/small", .text("small"))
                origin.on("/large", large)
                var settings = settings(server, pool: pool)
                settings.allow = [origin.url("/")]
                settings.buckets = [server.settings(home)]
                try await MirrorProcess.run(settings) { mirror async throws in
                    let small = try await redirect(mirror, origin.url("/small"))
                    #expect(small.outcome == "wait")
                    #expect(try await download(small).text == "small")
                    let parts = try await redirect(mirror, origin.url("/large"))
                    #expect(parts.outcome == "wait")
                    let isSame = try await download(parts).body == large.body.bytes(0..<large.body.size)
                    #expect(isSame)
                    let copied = try await redirect(mirror, "s3://\(home)/large.bin")
                    #expect(copied.outcome == "wait")
                    let isCopied = try await download(copied).body == bytes
                    #expect(isCopied)
                    #expect(try await mirror.copiedByService(into: Self.pool, from: "origin") == bytes.count)
                    #expect(mirror.log.contains("If-None-Match on uploads"))
                }
            }
        }

        @Test("What is missing in the origin's bucket is missing here")
        func missing() async throws {
            let server = try S3Server()
            let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
            var settings = settings(server, pool: pool)
            settings.buckets = [server.settings(home)]
            try await MirrorProcess.run(settings) { mirror async throws in
                #expect(try await redirect(mirror, "s3://\(home)/nothing").status == 404)
                // Another bucket is nobody's origin.
                #expect(try await redirect(mirror, "\(server.url)/\(pool)/nothing").status == 403)
                #expect(try await redirect(mirror, "s3://\(pool)/nothing").status == 400)
            }
        }

        @Test("Bytes of an HTTP origin arrive in parts, with what the origin says of them")
        func multipart() async throws {
            let server = try S3Server()
            let pool = try await server.makeBucket("pool")
            try await FakeOrigin.run { origin async throws in
                let large = FakeBehavior.generated(size: 40 << 20, seed: 5).with {
                    $0.headers = [("Content-Type", "application/wasm"), ("Content-Disposition", "attachment; filename=\"a b.wasm\"")]
                }
                origin.on("/large.wasm", large)
                origin.on(
                    "/stream",
                    large.with {
                        $0.acceptsRanges = false
                        $0.framing = .chunked
                    })
                origin.on("/empty", .body([]))
                origin.on(
                    "/gzip",
                    .body([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]).with {
                        $0.headers = [("Content-Encoding", "gzip"), ("Content-Type", "text/plain")]
                    })
                var settings = settings(server, pool: pool)
                settings.allow = [origin.url("/")]
                try await MirrorProcess.run(settings) { mirror async throws in
                    for path in ["/large.wasm", "/stream"] {
                        let answer = try await redirect(mirror, origin.url(path))
                        #expect(answer.outcome == "wait")
                        let object = try await download(answer)
                        let isSame = object.body == large.body.bytes(0..<large.body.size)
                        #expect(isSame)
                        #expect(object.headers.first(name: "Content-Type") == "application/wasm")
                        #expect(object.headers.first(name: "Content-Disposition") == "attachment; filename=\"a b.wasm\"")
                        let digest = try large.body.sha256.fieldValue
                        #expect(answer.headers.first(name: "Repr-Digest") == digest)
                    }
                    #expect(origin.requests(for: "/large.wasm").count > 1)
                    let empty = try await download(try await redirect(mirror, origin.url("/empty")))
                    #expect(empty.status == 200 && empty.body.isEmpty)
                    let gzip = try await download(try await redirect(mirror, origin.url("/gzip")))
                    #expect(gzip.headers.first(name: "Content-Encoding") == "gzip")
                    #expect(gzip.body.count == 20)
                }
            }
        }

        @Test(
            "Awkward URLs",
            arguments: [
                "/a%20b.txt", "/a+b.txt", "/a%2Bb.txt", "/a%2Fb.txt", "/a//b.txt", "/a/../b.txt", "/%C3%BCml%C3%A4ut/%F0%9F%A6%8A.txt",
                "/" + String(repeating: "x", count: 2_000), "/a.txt?b=c&d=%20e+f", "/'()*!~$&,;=:@.txt", "/%25.txt", "/.hidden",
                "/a%23b%3Fc.txt",
            ])
        func awkward(path: String) async throws {
            let server = try S3Server()
            let pool = try await server.makeBucket("pool")
            try await FakeOrigin.run { origin async throws in
                let asked = path.replacing("/a/../b", with: "/b")
                origin.on(String(asked.prefix { $0 != "?" })) { request in .text("you asked for \(request.uri)") }
                var settings = settings(server, pool: pool)
                settings.allow = [origin.url("/")]
                try await MirrorProcess.run(settings) { mirror async throws in
                    let answer = try await redirect(mirror, origin.url(path))
                    #expect(answer.status == 302)
                    #expect(answer.outcome == "wait")
                    let object = try await download(answer)
                    #expect(object.status == 200)
                    #expect(object.text == "you asked for \(asked)")
                    #expect(try await redirect(mirror, origin.url(path)).outcome == "hit")
                }
            }
        }
    }
}
