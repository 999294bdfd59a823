import NIOCore
import NIOPosix
import Testing

@testable import RedisClient

extension ServerTests {
    @Suite("Sentinel")
    struct Sentinel {
        @Test("A master that dies is followed to the one that the sentinels elect")
        func failover() async throws {
            let master = try await RedisProcess.start(["--repl-diskless-sync-delay", "0"])
            defer { master.dispose() }
            let replica = try await RedisProcess.start(["--replicaof", "127.0.0.1", "\(master.port)", "--repl-diskless-sync-delay", "0"])
            defer { replica.dispose() }
            var sentinels: [RedisProcess] = []
            defer { for sentinel in sentinels { sentinel.dispose() } }
            for _ in 0..<3 {
                sentinels.append(
                    try await RedisProcess.start(
                        sentinel: """
                            sentinel monitor main 127.0.0.1 \(master.port) 2
                            sentinel down-after-milliseconds main 400
                            sentinel failover-timeout main 3000

                            """))
            }
            let configuration = RedisConfiguration.testing(sentinels[0].address, topology: .sentinel(master: "main")) { configuration in
                configuration.addresses = sentinels.map(\.address)
                configuration.channels = ["news"]
                configuration.commandTimeout = .milliseconds(500)
                configuration.connectTimeout = .milliseconds(500)
            }
            // The sentinels must know of the replica and of each other before the master dies.
            for sentinel in sentinels {
                try await RedisDatabase.withSentinel(sentinel) { asking async throws in
                    try await eventually {
                        guard let facts = try await asking.run("SENTINEL", "MASTER", "main").array?.map({ $0.string ?? "" }) else {
                            return false
                        }
                        func fact(_ name: String) -> String? { facts.firstIndex(of: name).map { facts[$0 + 1] } }
                        return fact("num-slaves") == "1" && fact("num-other-sentinels") == "2"
                    }
                }
            }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await database.run("SET", "key", "1")
                #expect(try await database.run("WAIT", "1", "400").integer == Int64(1))
                try await master.end(.kill)
                #expect(await events.next() == "disconnected")
                await #expect(throws: RedisError.self) { try await database.run("GET", "key") }
                await events.next("connected")
                #expect(try await database.run("GET", "key").string == "1")
                try await database.run("SET", "key", "2")
                #expect(try await database.run("CONFIG", "GET", "port").array?.last?.string == "\(replica.port)")
            }
        }

        @Test("A server that turns read-only is left, and a write waits for it to be writable again")
        func readOnly() async throws {
            let server = try await RedisProcess.start()
            defer { server.dispose() }
            try await RedisDatabase.with(.testing(server.address)) { database, events async throws in
                try await RedisDatabase.with(.testing(server.address)) { other, _ async throws in
                    try await other.run("REPLICAOF", "127.0.0.1", "1")
                    async let written = database.run("SET", "key", "value")
                    // The first refusal ends the connection.
                    #expect(await events.next() == "disconnected")
                    _ = try? await other.run("REPLICAOF", "NO", "ONE")
                    let result = try? await written
                    #expect(result == nil || result?.string == "OK")
                    await events.next("connected")
                    #expect(try await database.run("SET", "key", "value").string == "OK")
                    try await other.run("REPLICAOF", "127.0.0.1", "1")
                    let error = await #expect(throws: RedisError.self) { try await database.run("SET", "key", "x") }
                    #expect(error?.code == .notConnected)
                }
            }
        }

        @Test("Sentinels that do not know the master are named, and commands fail at once")
        func unknownMaster() async throws {
            let sentinel = try await RedisProcess.start(sentinel: "sentinel monitor main 127.0.0.1 1 2\n")
            defer { sentinel.dispose() }
            let log = LogRecorder()
            let configuration = RedisConfiguration.testing(sentinel.address, topology: .sentinel(master: "other"))
            let database = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            #expect(await log.next().contains("no sentinel knows the master"))
            let error = await #expect(throws: RedisError.self) { try await database.run("PING") }
            #expect(error?.code == .notConnected)
            await database.close()
        }
    }
}
