import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

/// HEAD where a redirect would be of no use.
@Suite(.timeLimit(.minutes(1)))
struct HeadTests {
    private static let target = World.target("/a.txt")

    private func sum(_ mirror: MirrorFixture, _ name: String) -> Int {
        mirror.services.registry.values(of: name).reduce(0) { $0 + Int($1.value) }
    }

    @Test func `of a copy with a signed location it is answered with what the pool says`() async throws {
        let world = World()
        let info = try await world.store("/a.txt") {
            $0.contentEncoding = "gzip"
            $0.contentDisposition = "attachment; filename=\"a b.txt\""
        }
        try await MirrorFixture.run(world, .with { $0.isSigned = true }) { mirror in
            for outcome in ["backfill", "hit", "hit"] {
                let response = try await mirror.request("HEAD", Self.target)
                #expect(response.statusLine == "HTTP/1.1 200 OK")
                #expect(response["Content-Length"] == "8")
                #expect(response["Content-Type"] == "text/plain")
                #expect(response["Content-Encoding"] == "gzip")
                #expect(response["Content-Disposition"] == "attachment; filename=\"a b.txt\"")
                #expect(response["ETag"] == info.etag)
                #expect(response["Last-Modified"] == info.lastModified.httpDate)
                #expect(response["Accept-Ranges"] == "bytes")
                #expect(response["Repr-Digest"] == info.metadata.sha256?.fieldValue)
                #expect(response["Cache-Control"] == "no-store")
                #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
                #expect(response["X-Cloud-Mirror-Outcome"] == outcome)
                #expect(!response.has("Location"))
                #expect(response.body.isEmpty)
            }
        }
    }

    @Test func `the fast path answers GET with the signed location, and never HEAD`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, .with { $0.isSigned = true }) { mirror in
            for _ in 1...3 {
                let get = try await mirror.get(Self.target)
                #expect(get.status == 302)
                #expect(get["Location"]?.hasSuffix("?signature=1") == true)
                let head = try await mirror.request("HEAD", Self.target)
                #expect(head.status == 200)
                #expect(!head.has("Location"))
            }
            #expect(sum(mirror, "cloud_mirror_redirects_total") == 6)
            #expect(sum(mirror, "cloud_mirror_egress_avoided_bytes_total") == 24)
        }
    }

    @Test func `where the location works for HEAD too it is a redirect from either path, and no avoided egress`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 1...3 {
                let head = try await mirror.request("HEAD", Self.target)
                #expect(head.status == 302)
                #expect(head["Location"]?.hasPrefix("/local/dev/") == true)
            }
            #expect(mirror.answeredFast == 2)
            #expect(sum(mirror, "cloud_mirror_egress_avoided_bytes_total") == 0)
            _ = try await mirror.get(Self.target)
            #expect(sum(mirror, "cloud_mirror_egress_avoided_bytes_total") == 8)
        }
    }

    @Test(arguments: [true, false])
    func `coalesced requests for the header of what is not there get the origin's, asked once`(isSigned: Bool) async throws {
        try await FakeOrigin.run { origin in
            let gate = FakeGate()
            origin.on("/a.bin", .generated(size: 30_000).with { $0.gate = gate })
            let options = try MirrorOptions.with {
                $0.allow = [.prefix(try ArtifactURL(origin.url("/")))]
                $0.maxWait = .seconds(28)
                $0.isSigned = isSigned
            }
            try await MirrorFixture.run(World(), options) { mirror in
                let target = "/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/a.bin")))"
                let first = try await mirror.connection()
                await first.send(RequestStream.request("HEAD", target))
                try await gate.waiting()
                var connections = [first]
                for number in 1...4 {
                    let connection = try await mirror.connection()
                    await connection.send(RequestStream.request("HEAD", target))
                    await mirror.waiting(number)
                    connections.append(connection)
                }
                #expect(mirror.server.coalescing.count == 1)
                gate.open()
                for connection in connections {
                    let response = try await connection.response(toHead: true)
                    #expect(response.status == 200)
                    #expect(response["Content-Length"] == "30000")
                    #expect(response["X-Cloud-Mirror-Outcome"] == "pending")
                    #expect(response["ETag"]?.hasPrefix("W/\"") == true)
                    await connection.close()
                }
                #expect(origin.requests.count == 1)
                #expect(mirror.services.waiters.count == 0)
                #expect(sum(mirror, "cloud_mirror_redirects_total") == 5)
            }
        }
    }

    @Test func `coalesced requests for a header that does not come are sent to the origin at once`() async throws {
        try await FakeOrigin.run { origin in
            let gate = FakeGate()
            origin.on("/a.bin", .generated(size: 30_000).with { $0.gate = gate })
            let options = try MirrorOptions.with {
                $0.allow = [.prefix(try ArtifactURL(origin.url("/")))]
                $0.maxWait = .seconds(28)
            }
            let world = World()
            try await MirrorFixture.run(world, options) { mirror in
                let target = "/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/a.bin")))"
                var connections: [RawConnection] = []
                for number in 0...2 {
                    let connection = try await mirror.connection()
                    await connection.send(RequestStream.request("HEAD", target))
                    if number == 0 { try await gate.waiting() } else { await mirror.waiting(number) }
                    connections.append(connection)
                }
                // The end of the wait, and that of the look at the origin.
                await world.clock.sleepers(2)
                world.clock.advance(by: .seconds(25))
                for connection in connections {
                    let response = try await connection.response(toHead: true)
                    #expect(response.status == 302)
                    #expect(response["Location"] == origin.url("/a.bin"))
                    await connection.close()
                }
                #expect(origin.requests.count == 1)
                #expect(mirror.services.waiters.count == 0)
                #expect(mirror.server.coalescing.count == 0)
                #expect(sum(mirror, "cloud_mirror_hops_total") == 0)
                gate.open()
            }
        }
    }
}
