import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import RedisClient

extension ServerTests {
    @Suite("Sentinel")
    struct Sentinel {
        @Test("A master that dies is followed to the one that the sentinels elect")
        func failover() async throws {
            let redis = try await RedisSentinels.start()
            let configuration = RedisConfiguration.testing(redis.sentinels[0].address, topology: .sentinel(master: RedisSentinels.name)) {
                configuration in
                configuration.addresses = redis.sentinels.map(\.address)
                configuration.channels = ["news"]
            }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await database.run("SET", "key", "1")
                #expect(try await database.run("WAIT", "1", "30000").integer == Int64(1))
                try await redis.servers[0].end(.kill)
                #expect(await events.next() == "disconnected")
                // There is no master, unless this comes so late that another one was found meanwhile.
                do {
                    try await database.run("GET", "key")
                    #expect(events.all.filter { $0 == "connected" }.count > 1)
                } catch let error as RedisError {
                    #expect(error.code == .notConnected)
                }
                await events.next("connected")
                #expect(try await database.run("GET", "key").string == "1")
                try await database.run("SET", "key", "2")
                #expect(try await database.run("CONFIG", "GET", "port").array?.last?.string == "\(redis.servers[1].port)")
            }
        }

        @Test("A server that turns read-only is left, and a write waits for it to be writable again")
        func readOnly() async throws {
            let server = try await RedisServer.start()
            // A write that is refused waits for a master for as long.
            let configuration = RedisConfiguration.testing(server.address) { $0.commandTimeout = .seconds(2) }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await RedisDatabase.with(.testing(server.address)) { other, _ async throws in
                    try await other.run("REPLICAOF", "127.0.0.1", "1")
                    async let written = database.run("SET", "key", "value")
                    // The first refusal ends the connection.
                    #expect(await events.next() == "disconnected")
                    try await other.run("REPLICAOF", "NO", "ONE")
                    // A second one, if it came before that, is told.
                    let result = try? await written
                    #expect(result == nil || result?.string == "OK")
                    let answer = try await eventually("a write is carried out") { try? await database.run("SET", "key", "value") }
                    #expect(answer.string == "OK")
                    try await other.run("REPLICAOF", "127.0.0.1", "1")
                    let error = await #expect(throws: RedisError.self) { try await database.run("SET", "key", "x") }
                    #expect(error?.code == .notConnected)
                }
            }
        }

        @Test("Sentinels that do not know the master are named, and commands fail at once")
        func unknownMaster() async throws {
            let sentinel = try await RedisServer.startSentinel("sentinel monitor main 127.0.0.1 1 2\n")
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
