import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndNodes {
    /// What the tests of many nodes stand on.
    @Suite(.enabled(if: RedisServer.isExpected, "redis-server is not installed"), .timeLimit(.minutes(1)))
    struct ServerSupportTests {
        @Test("A child inherits no descriptor of this process")
        func descriptors() async throws {
            let descriptor = dup(STDIN_FILENO)
            defer { close(descriptor) }
            try #require(descriptor > STDERR_FILENO)
            // The fourth is that of the folder, which is read.
            #expect(try await ChildProcess.run("ls", ["/dev/fd"]).split(separator: "\n") == ["0", "1", "2", "3"])
        }

        @Test("A Redis is killed and comes back empty on its port; one that is suspended keeps what it has")
        func redis() async throws {
            let redis = try await RedisServer.start()
            try await redis.ask("SET", "a", "1")
            redis.send(.suspend)
            redis.send(.resume)
            #expect(try await redis.ask("GET", "a") == "1")
            #expect(try await redis.end() == .signal(9))
            await #expect(throws: ChildProcess.Failure.self) { try await redis.ask("PING") }
            try await redis.start()
            #expect(try await redis.ask("GET", "a") == "")
            try await redis.ask("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
            await #expect(throws: ChildProcess.Failure.self) { try await redis.ask("SET", "a", "1") }
        }

        @Test("Sentinels make the replica the master when the master is killed")
        func sentinels() async throws {
            let redis = try await RedisSentinels.start()
            let master = try await redis.master()
            #expect(master.port == redis.servers[0].port)
            try await master.ask("SET", "a", "1")
            try await eventually("the replica has it") { try await redis.servers[1].ask("GET", "a") == "1" }
            try await master.end()
            try await eventually("there is another master") { try await redis.master().port != master.port }
            let promoted = try await redis.master()
            try await eventually("it takes writes") { (try? await promoted.ask("INCR", "a")) == "2" }
        }

        @Test("Three servers make a cluster, two of which go on without the third")
        func cluster() async throws {
            let redis = try await RedisCluster.start()
            let number = try await redis.server(of: "s3/one")
            try await redis.servers[number].ask("SET", "x:{s3/one}", "1")
            try await redis.servers[(number + 1) % 3].end()
            try await eventually("the others know that it is gone") {
                try await redis.servers[number].ask("CLUSTER", "NODES").contains("fail ")
            }
            #expect(try await redis.servers[number].ask("INCR", "x:{s3/one}") == "2")
        }

        @Test("The proxy forwards, holds back, goes on, cuts and refuses")
        func proxy() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a", .text("a"))
                try await TCPProxy.run(to: origin.port) { proxy in
                    let url = "http://127.0.0.1:\(proxy.port)/a"
                    func knock() async throws -> Knock { try await Knock.once(at: "http://127.0.0.1:\(proxy.port)") }
                    #expect(try await HTTP.send(.GET, url).text == "a")
                    let before = origin.requests.count
                    proxy.stall()
                    async let late = HTTP.send(.GET, url)
                    try await eventually("the request is held back") { proxy.connectionCount >= 2 }
                    await #expect(throws: (any Error).self) { try await HTTP.open(.GET, url, timeout: .milliseconds(300)) }
                    #expect(origin.requests.count == before)
                    proxy.resume()
                    #expect(try await late.text == "a")
                    #expect(try await knock() == .answered)
                    proxy.cut()
                    try await eventually("all connections are cut") { proxy.connectionCount == 0 }
                    try await proxy.refuse()
                    #expect(try await knock() == .refused)
                    try await proxy.accept()
                    #expect(try await knock() == .answered)
                }
            }
        }
    }
}
