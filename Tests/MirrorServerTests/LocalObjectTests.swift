import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct LocalObjectTests {
    static let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    /// Serves one object of 1,000 bytes, and gives its address and what the store says of it.
    func serve(
        _ bytes: [UInt8] = Self.bytes, metadata: (inout ObjectMetadata) -> Void = { _ in },
        _ body: (MirrorFixture, String, ObjectInfo) async throws -> Void
    ) async throws {
        let world = World()
        let info = try await world.store("/a.bin", bytes, metadata: metadata)
        try await MirrorFixture.run(world) { mirror in
            try await body(mirror, "/local/dev/\(info.key)", info)
        }
    }

    // MARK: Whole

    @Test func `GET gives the whole object with the fields that a client needs to keep it`() async throws {
        try await serve { mirror, target, info in
            let response = try await mirror.get(target)
            #expect(response.statusLine == "HTTP/1.1 200 OK")
            #expect(response.body == Self.bytes)
            #expect(response["Content-Length"] == "1000")
            #expect(response["ETag"] == info.etag)
            #expect(response["Last-Modified"] == info.lastModified.httpDate)
            #expect(response["Accept-Ranges"] == "bytes")
            #expect(response["Repr-Digest"] == info.metadata.sha256?.fieldValue)
            #expect(!response.has("Content-Range"))
            #expect(!response.has("Transfer-Encoding"))
        }
    }

    @Test func `HEAD gives the fields of GET and no body, whatever range is asked for`() async throws {
        try await serve { mirror, target, _ in
            let get = try await mirror.get(target)
            for fields in [[], [("Range", "bytes=0-1")], [("Range", "bytes=5000-")]] {
                let head = try await mirror.request("HEAD", target, fields)
                #expect(head.statusLine == get.statusLine)
                #expect(head.fields.filter { $0.name != "Date" }.map { "\($0)" } == get.fields.filter { $0.name != "Date" }.map { "\($0)" })
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test func `the origin's representation fields are given back, and a browser may not run anything`() async throws {
        try await serve { metadata in
            metadata.contentType = "text/html; charset=utf-8"
            metadata.contentEncoding = "gzip"
            metadata.contentDisposition = "attachment; filename=\"a.html\""
        } _: { mirror, target, _ in
            let response = try await mirror.get(target)
            #expect(response["Content-Type"] == "text/html; charset=utf-8")
            #expect(response["Content-Encoding"] == "gzip")
            #expect(response["Content-Disposition"] == "attachment; filename=\"a.html\"")
            #expect(response["X-Content-Type-Options"] == "nosniff")
            #expect(response["Content-Security-Policy"] == "sandbox; default-src 'none'")
        }
    }

    @Test func `an object of unknown type is a stream of octets`() async throws {
        try await serve { metadata in
            metadata.contentType = nil
        } _: { mirror, target, _ in
            let response = try await mirror.get(target)
            #expect(response["Content-Type"] == "application/octet-stream")
            #expect(!response.has("Content-Encoding"))
            #expect(!response.has("Content-Disposition"))
        }
    }

    @Test func `an origin's field with a line break in it adds no field`() async throws {
        try await serve { metadata in
            metadata.contentType = "text/plain\r\nX-Injected: yes"
            metadata.contentDisposition = "attachment\nX-Injected: yes"
        } _: { mirror, target, _ in
            let response = try await mirror.get(target)
            #expect(response.status == 200)
            #expect(!response.has("X-Injected"))
            #expect(response.body == Self.bytes)
        }
    }

    @Test func `an empty object is a 200 without bytes, and has no range`() async throws {
        try await serve([]) { mirror, target, _ in
            let whole = try await mirror.get(target)
            #expect(whole.status == 200)
            #expect(whole["Content-Length"] == "0")
            #expect(whole.body.isEmpty)
            for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
                let response = try await mirror.get(target, [("Range", range)])
                #expect(response.status == 416)
                #expect(response["Content-Range"] == "bytes */0")
            }
        }
    }

    @Test func `requests one after the other on one connection are answered in order`() async throws {
        try await serve { mirror, target, _ in
            try await RawConnection.run(port: mirror.port) { connection in
                let requests = (0..<20).map { "GET \(target) HTTP/1.1\r\nHost: h\r\nRange: bytes=\($0)-\($0)\r\n\r\n" }
                await connection.send(requests.joined())
                for number in 0..<20 {
                    let response = try await connection.response()
                    #expect(response.body == [Self.bytes[number]])
                }
            }
        }
    }

    @Test(arguments: [("", false), ("Connection: close\r\n", false), ("", true)])
    func `a client that is slow to read gets all of an object, also when it asks to close or says that it is done`(
        field: String, isDone: Bool
    ) async throws {
        let bytes = [UInt8](repeating: 7, count: 16 << 20)
        try await serve(bytes) { mirror, target, _ in
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            await connection.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\(field)\r\n")
            if isDone { await connection.finishSending() }
            try await mirror.readWhatCame()
            try await connection.beginReading()
            let response = try await connection.response()
            #expect(response.body == bytes)
            await connection.close()
        }
    }

    // MARK: Addresses

    @Test func `what is no key of a local pool is a 404`() async throws {
        try await serve { mirror, target, info in
            let hash = String(info.key.hash)
            let targets = [
                "/local/two/\(info.key)", "/local/nowhere/\(info.key)", "/local/DEV/\(info.key)", "/local/../dev/\(info.key)",
                "/local/%64ev/\(info.key)",
                "/local/dev/\(hash.uppercased())/a.bin", "/local/dev/\(hash.dropLast())/a.bin", "/local/dev/\(hash)0/a.bin",
                "/local/dev/\(hash)/b.bin",
                "/local/dev/\(hash)/", "/local/dev/\(hash)", "/local/dev/\(hash)/A.BIN", "/local/dev/\(hash)/a.bin/",
                "/local/dev/\(hash)/a.bin/x",
                "/local/dev/\(hash)/..%2f\(hash)%2fa.bin", "/local/dev/..%2fdev/\(hash)/a.bin", "/local/dev/\(hash)/..",
                "/local/dev/\(hash)/.",
                "/local/dev/../../etc/passwd", "/local/dev/..%2f..%2f..%2fetc%2fpasswd/x", "/local/dev/%2e%2e/%2e%2e",
                "/local/dev/\(hash)/%2e%2e",
                "/local/dev/\(hash)/a.bin%00", "/local/dev/\(hash)/%00a.bin", "/local/dev/\(hash)%00/a.bin", "/local/dev/\(hash)/a.bin%",
                "/local/dev/\(hash)/%ff",
                "/local/dev/\(hash)/..%5c..%5ca.bin", "/local/dev/\(hash)/.%2e", "/local/dev/%2f\(hash)/a.bin",
                "/local/dev/\(String(repeating: "0", count: 64))/a.bin",
                "/local/dev/\(hash)/\(String(repeating: "a", count: 5_000))",
            ]
            for other in targets where other != "/local/dev/\(hash)/a.bin/" {
                let response = try await mirror.get(other)
                #expect(response.status == 404, "\(other)")
                #expect(response.json["code"]?.string == "ResourceNotFound")
            }
            let response = try await mirror.get(target)
            #expect(response.status == 200)
        }
    }

    @Test func `a name with odd characters is found under its location`() async throws {
        let world = World()
        let id = try await world.seed("/d%20%C3%BC%25+%26%3F%23%3B.txt")
        try await MirrorFixture.run(world) { mirror in
            let redirect = try await mirror.get("/v1/redirect/local/dev/\(PercentCoding.encode(id.artifact.description))")
            let location = try require(redirect["Location"])
            let object = try await mirror.get(location)
            #expect(object.status == 200)
            #expect(object.text == "artifact")
        }
    }

    @Test func `an object that was purged is a 404 that sends the client back to the redirect`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            _ = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/"))
            let response = try await mirror.get("/local/dev/\(ObjectKey(id.artifact))")
            #expect(response.status == 404)
            #expect(response.json["message"]?.string?.contains("/v1/redirect/") == true)
        }
    }

    // MARK: Objects that are gone

    @Test(arguments: [(nil, 302), ("https://mirror.example.org/cache", 307)])
    func `a client that is redirected to an object that is gone is sent to where it gets the artifact`(
        publicURL: String?, status: Int
    ) async throws {
        let world = World()
        let id = try await world.seed("/d/a%20b.txt")
        try await MirrorFixture.run(
            world,
            .with {
                $0.publicURL = publicURL
                $0.redirectStatus = status
            }
        ) { mirror in
            let target = World.target("/d/a%20b.txt")
            for _ in 0..<3 { _ = try await mirror.get(target) }
            try await world.memory.delete(ObjectKey(id.artifact))
            let hit = try await mirror.get(target)
            #expect(hit["X-Cloud-Mirror-Outcome"] == "hit")
            let location = String(try require(hit["Location"]).dropFirst(publicURL?.count ?? 0))
            for (method, fields) in [("GET", []), ("HEAD", []), ("GET", [("Range", "bytes=2-")])] {
                let missing = try await mirror.request(method, location, fields)
                #expect(missing.status == status)
                #expect(missing["Cache-Control"] == "no-store")
                #expect(missing["Location"] == (publicURL ?? "") + target + "?missing=1")
            }
            // The replica is forgotten, and its copy queued; this client does not wait.
            let again = try await mirror.get(target + "?missing=1")
            #expect(again["Location"] == id.artifact.description)
            #expect(again["X-Cloud-Mirror-Outcome"] == "fallback")
            let replica = try await world.state.replica(id)
            #expect(replica?.state == .pending)
            try await world.finishCopy("/d/a%20b.txt")
            let copied = try await mirror.get(target + "?missing=1")
            #expect(copied["X-Cloud-Mirror-Outcome"] == "hit")
            let object = try await mirror.get(location)
            #expect(object.text == "artifact")
        }
    }

    @Test func `an object that cannot be read sends its client to the origin, and one that nobody was redirected to is a 503`() async throws
    {
        let world = World()
        let id = try await world.seed("/a.txt")
        let other = try await world.store("/b.txt")
        try await MirrorFixture.run(world) { mirror in
            let hit = try await mirror.get(World.target("/a.txt"))
            mirror.store.breakDown()
            let object = try await mirror.get(try require(hit["Location"]))
            #expect(object.status == 302)
            let answer = try await mirror.get(try require(object["Location"]))
            #expect(answer["Location"] == id.artifact.description)
            #expect(answer["X-Cloud-Mirror-Outcome"] == "fallback")
            let unknown = try await mirror.get("/local/dev/\(other.key)")
            #expect(unknown.status == 503)
            mirror.store.repair()
            let replica = try await world.state.replica(id)
            #expect(replica?.state == .present)
        }
    }

    @Test(arguments: ["GET", "HEAD"]) func `nobody waits long for a disk that hangs, and gets to the origin`(method: String) async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let location = try require(try await mirror.get(World.target("/a.txt"))["Location"])
            mirror.store.hangReads(true)
            defer { mirror.store.hangReads(false) }
            let object = try await passing(world.clock) { try await mirror.request(method, location) }
            #expect(object.status == 302)
            let again = try require(object["Location"])
            #expect(again == World.target("/a.txt") + "?missing=1")
            let answer = try await passing(world.clock) { try await mirror.request(method, again) }
            #expect(answer["Location"] == id.artifact.description)
            #expect(answer["X-Cloud-Mirror-Outcome"] == "fallback")
        }
    }

    /// Lets three seconds pass while something waits.
    private func passing<Value: Sendable>(
        _ clock: ManualClock, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let waiting = Task { try await body() }
        await clock.sleepers(1)
        clock.advance(by: .seconds(3))
        return try await waiting.value
    }

    @Test func `another method than GET and HEAD is refused`() async throws {
        try await serve { mirror, target, info in
            for method in ["PUT", "POST", "DELETE", "PATCH"] {
                let response = try await mirror.request(method, target, [("Authorization", "Bearer \(MirrorFixture.token)")], body: "x")
                #expect((400..<500).contains(response.status))
            }
            let kept = try await mirror.world.memory.head(info.key)
            #expect(kept == info)
        }
    }
}
