import Crypto
import MirrorCore
import NIOHTTP1
import StorageCloud
import StorageS3
import TestServers
import Testing

extension EndToEnd.S3Tests {
    /// The requests that the log of a mirror shows.
    private func calls(_ mirror: MirrorProcess, _ bucket: String) -> Set<String> {
        Set(
            mirror.log.split(separator: "\n").filter { $0.contains("asking the service") && $0.contains(bucket) }
                .compactMap { line in
                    line.firstMatch(of: /"?call"?[=:]\s*"?([A-Za-z]+)/).map { String($0.1) }
                })
    }

    @Test("The documented policies permit the requests that are really made, and no others are made")
    func permissions() async throws {
        let server = try S3Server()
        let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
        try await server.put([UInt8](repeating: 7, count: 70 << 20), "large", in: home)
        try await server.put(random(100), "small", in: home)
        try await FakeOrigin.run { origin async throws in
            origin.on("/large", .generated(size: 20 << 20))
            origin.on("/small", .text("small"))
            origin.on(
                "/broken",
                .generated(size: 20 << 20).with {
                    $0.acceptsRanges = false
                    $0.truncateAfter = 9 << 20
                })
            var settings = settings(server, pool: pool)
            settings.allow = [origin.url("/")]
            settings.buckets = [server.settings(home)]
            settings.logLevel = "trace"
            try await MirrorProcess.run(settings) { mirror async throws in
                for artifact in ["s3://\(home)/large", "s3://\(home)/small", origin.url("/large"), origin.url("/small")] {
                    #expect(try await redirect(mirror, artifact).outcome == "wait", "\(artifact)")
                }
                #expect(try await redirect(mirror, origin.url("/broken")).outcome == "fallback")
                let documented = S3Permissions.calls(of: .frontEnd).union(S3Permissions.calls(of: .copier))
                let made = calls(mirror, pool)
                #expect(made.subtracting(documented).isEmpty)
                #expect(made.isSuperset(of: ["head", "put", "copy", "copyPart", "createUpload", "writePart", "complete"]))
                #expect(made.contains("abort"))
                #expect(calls(mirror, home) == ["originHead"])
            }
            // Without the memory of it, and with nothing to copy: a front end.
            try await MirrorProcess.run(settings) { mirror async throws in
                #expect(try await redirect(mirror, origin.url("/small")).outcome == "backfill")
                #expect(try await mirror.send(.GET, "/readyz").status == 200)
                _ = try await mirror.admin(.DELETE, "/v1/purge/\(Self.pool)/\(PercentCoding.encode(origin.url("/small")))")
                #expect(calls(mirror, pool) == ["head", "checkHealth", "delete"])
                #expect(calls(mirror, pool).isSubset(of: S3Permissions.calls(of: .frontEnd)))
            }
        }
    }

    @Test("An object that somebody deleted is copied anew when a client reports it")
    func heals() async throws {
        let server = try S3Server()
        let pool = try await server.makeBucket("pool")
        try await FakeOrigin.run { origin async throws in
            origin.on("/a.txt", .text("hello"))
            var settings = settings(server, pool: pool)
            settings.allow = [origin.url("/")]
            try await MirrorProcess.run(settings) { mirror async throws in
                let first = try await redirect(mirror, origin.url("/a.txt"))
                let key = String(try #require(first.location).dropFirst("\(server.url)/\(pool)/".count).prefix { $0 != "?" })
                try await server.delete(key, in: pool)
                let stale = try await redirect(mirror, origin.url("/a.txt"))
                #expect(stale.outcome == "hit")
                #expect(try await download(stale).status == 404)
                let healed = try await redirect(mirror, origin.url("/a.txt"), "?missing=1")
                #expect(healed.outcome == "wait")
                #expect(try await download(healed).text == "hello")
                #expect(origin.requests.count == 2)
            }
        }
    }

    @Test("After the state was lost an object is found in the pool, and nothing is copied again; a purge deletes it")
    func backfillAndPurge() async throws {
        let server = try S3Server()
        let pool = try await server.makeBucket("pool")
        try await FakeOrigin.run { origin async throws in
            origin.on("/a.txt", .text("hello"))
            var settings = settings(server, pool: pool)
            settings.allow = [origin.url("/")]
            var location = ""
            try await MirrorProcess.run(settings) { mirror async throws in
                location = try #require(try await redirect(mirror, origin.url("/a.txt")).location)
            }
            try await MirrorProcess.run(settings) { mirror async throws in
                let answer = try await redirect(mirror, origin.url("/a.txt"))
                #expect(answer.outcome == "backfill")
                #expect(try await download(answer).text == "hello")
                #expect(origin.requests.count == 1)
                let purged = try await mirror.admin(.DELETE, "/v1/purge/\(Self.pool)/\(PercentCoding.encode(origin.url("/a.txt")))")
                #expect(purged.status == 204)
                let key = String(location.dropFirst("\(server.url)/\(pool)/".count).prefix { $0 != "?" })
                #expect(try await server.status(key, in: pool) == 404)
            }
        }
    }

    @Test("pools apply makes a bucket that anybody may read, check finds nothing wrong, expired objects are deleted")
    func applied() async throws {
        let server = try S3Server()
        let pool = S3Server.name("applied")
        try await FakeOrigin.run { origin async throws in
            for number in 0..<20 { origin.on("/\(number)", .text("artifact \(number)")) }
            var settings = settings(server, pool: pool, access: "public, retention: {timeToLive: 1s, grace: 0s}")
            settings.allow = [origin.url("/")]
            settings.sweepInterval = "1s"
            let directory = try TemporaryDirectory()
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let plan = try await Command.run(["pools", "apply", "--config", file])
            #expect(plan.output.contains(pool))
            #expect(try await Command.run(["pools", "check", "--config", file]).exit != .code(0), "the bucket is not there yet")
            let applied = try await Command.run(["pools", "apply", "--config", file, "--yes"])
            #expect(applied.exit == .code(0), "\(applied.output) \(applied.errors)")
            let again = try await Command.run(["pools", "apply", "--config", file, "--yes"])
            #expect(again.exit == .code(0), "\(again.output) \(again.errors)")
            let check = try await Command.run(["pools", "check", "--config", file])
            #expect(check.exit == .code(0), "\(check.output) \(check.errors)")
            try await MirrorProcess.run(settings) { mirror async throws in
                var locations: [String] = []
                for number in 0..<20 {
                    let answer = try await redirect(mirror, origin.url("/\(number)"))
                    let location = try #require(answer.location)
                    #expect(!location.contains("?"))
                    #expect(try await download(answer).text == "artifact \(number)")
                    locations.append(location)
                }
                for location in locations {
                    try await eventually("the expired object is gone") {
                        try await HTTP.send(.GET, location).status == 404
                    }
                }
            }
        }
    }
}
