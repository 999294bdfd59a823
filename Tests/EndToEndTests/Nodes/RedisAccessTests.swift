import Foundation
import NIOHTTP1
import TestServers
import Testing

extension EndToEndNodes {
    /// TLS and a user of the mirror's own, as docs/operations.md has them.
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(1)))
    struct RedisAccessTests {
        @Test("Over TLS, as the user that the documentation makes, all is done, and nothing is asked for that this user may not")
        func documented() async throws {
            let site = try await Site(password: "the-right-password")
            var settings = FleetSettings()
            settings.redisPrefix = "cloud-mirror"
            settings.redisOptions = try site.options(password: "the-right-password")
            try await Fleet.run(settings, redis: site.url) { fleet async throws in
                let behavior = fleet.publish("/a.bin")
                let first = try await fleet.ask("/a.bin", of: 0)
                #expect(first.answer.outcome == "wait")
                let second = try await fleet.ask("/a.bin", of: 1)
                #expect(second.isHit)
                for seen in [first, second] { try await fleet.expect(seen, is: behavior) }
                #expect(try await fleet.purge("/a.bin", by: 0).status == 204)
                try await eventually("front end 1 knows of the purge", within: .seconds(5)) {
                    try await fleet.ask("/a.bin", of: 1, wait: 0).isHit ? nil : ()
                }
                try await fleet.askUntilInPool("/a.bin", of: 1, within: .seconds(5))
                try await fleet.ready()
                try await fleet.settles()

                let doctor = try await fleet.doctor(0)
                #expect(doctor.exit == .code(0), "\(doctor.output) \(doctor.errors)")
                #expect(doctor.output.contains("Redis answers"))
                #expect(try await site.users() == ["mirror"])
                #expect(try await site.refusals() == [])
                for text in fleet.logs + [doctor.output, doctor.errors] { #expect(!text.contains("the-right-password")) }
            }
        }

        @Test("A front end with a wrong password goes on without Redis, says what is wrong, and is whole again as soon as it is let in")
        func wrongPassword() async throws {
            let site = try await Site(password: "the-right-password")
            var settings = FleetSettings()
            settings.redisPrefix = "cloud-mirror"
            settings.redisOptions = try site.options(password: "the-right-password")
            settings.redisOptionsOfFrontEnd = [0: try site.options(password: "the-wrong-password")]
            try await Fleet.run(settings, redis: site.url) { fleet async throws in
                let behavior = fleet.publish("/a.bin")
                try await fleet.expect(try await fleet.ask("/a.bin", of: 1), is: behavior)
                for _ in 1...3 { #expect(try await fleet.ask("/a.bin", of: 0).target == .origin) }
                #expect(try await fleet.readiness(of: 0) == (200, "degraded"))
                #expect(try await fleet.readiness(of: 1) == (200, "ok"))

                let told = "Redis refuses the user mirror: set the right user name and password"
                try await eventually("the log says what is wrong") { fleet.frontEnds[0].log.contains(told) }
                let doctor = try await fleet.doctor(0)
                #expect(doctor.exit == .code(1), "\(doctor.output) \(doctor.errors)")
                #expect(doctor.output.contains(told), "\(doctor.output) \(doctor.errors)")
                let ready = try await fleet.frontEnds[0].send(.GET, "/readyz").text
                for text in fleet.logs + [doctor.output, doctor.errors, ready] {
                    for secret in ["the-wrong-password", "the-right-password"] { #expect(!text.contains(secret)) }
                }

                try await site.redis.ask("ACL", "SETUSER", "mirror", ">the-wrong-password")
                try await fleet.expect(try await fleet.askUntilInPool("/a.bin", of: 0, within: .seconds(10)), is: behavior)
                try await fleet.ready()
                #expect(fleet.fetches("/a.bin") == 1)
                #expect(!fleet.frontEnds[0].log.contains("the-wrong-password"))
                try await fleet.settles()
            }
        }
    }
}

/// A Redis with TLS that lets in the user of docs/operations.md, and how it is reached there.
private struct Site {
    let redis: RedisServer
    let url: String
    private let certificates: Certificates
    private let secrets: TemporaryDirectory

    init(password: String) async throws {
        let file = URL(filePath: #filePath).appending(path: "../../../../docs/operations.md").standardized
        let document = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        func words(_ beginning: String) throws -> [String] {
            let line = try #require(document.first { $0.contains(beginning) }, "docs/operations.md has no line with \(beginning)")
            return line.split(separator: " ").map(String.init)
        }
        let rule = try words("ACL SETUSER mirror ")
        try #require(rule.contains(">PASSWORD"))
        // {url: "rediss://…", passwordFile: …}
        let settings = try words("redis: {url: \"rediss://mirror@")
        let example = try #require(settings.first { $0.contains("rediss://") }?.split(separator: "\"").first)

        certificates = try await Certificates()
        secrets = try TemporaryDirectory()
        let port = try await FreePort.next()
        redis = try await RedisServer.start(RedisServer.evicting + certificates.redisOptions(port: port))
        try await redis.ask(rule.map { $0 == ">PASSWORD" ? ">\(password)" : $0 })
        url = String(example).replacing("redis.example.org:6379", with: "localhost:\(port)")
    }

    /// The keys of `state.redis` beside the URL.
    func options(password: String) throws -> String {
        let file = try secrets.write("\(password)\n", to: S3Server.name("password"))
        return ", passwordFile: \(file), certificateAuthority: \(certificates.authority)"
    }

    /// Those who are connected, but for who asks.
    func users() async throws -> Set<String> {
        let clients = try await redis.ask("CLIENT", "LIST").split(separator: "\n").filter { $0.contains(" name=cloud-mirror ") }
        return Set(clients.flatMap { $0.split(separator: " ") }.filter { $0.hasPrefix("user=") }.map { String($0.dropFirst(5)) })
    }

    /// What users were refused: commands, keys and channels.
    func refusals() async throws -> Set<String> {
        let lines = try await redis.ask("ACL", "LOG").split(separator: "\n", omittingEmptySubsequences: false)
        return Set(zip(lines, lines.dropFirst()).filter { $0.0 == "object" }.map { String($0.1) })
    }
}
