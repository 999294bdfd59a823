import NIOCore
import TestServers
import Testing

@testable import RedisClient

/// Suites that start servers run one after the other.
@Suite(.serialized, .enabled(if: RedisServer.isExpected, "redis-server is not installed"), .timeLimit(.minutes(5)))
enum ServerTests {}

extension ServerTests {
    @Suite("One server")
    struct OneServer {
        @Test("Ten thousand commands at the same time are answered, each with its own answer, over one connection")
        func pipelining() async throws {
            let server = try await RedisServer.start()
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<10_000 {
                        group.addTask { try await database.run("ECHO", "\(number)").string == "\(number)" }
                    }
                    var right = 0
                    for try await isRight in group where isRight { right += 1 }
                    #expect(right == 10_000)
                }
                let clients = try await database.run("CLIENT", "LIST").string?.split(separator: "\n")
                #expect(clients?.count == 1)
                #expect(clients?.first?.contains("name=cloud-mirror") == true)
                #expect(database.isConnected)
                #expect(database.isTracking)
            }
        }

        @Test("The commands of one task are carried out in their order")
        func order() async throws {
            let server = try await RedisServer.start()
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                for number in Int64(1)...1_000 {
                    #expect(try await database.execute(RedisCommand("RPUSH", key: "list", .integer(number))).integer == number)
                }
                let list = try await database.run("LRANGE", "list", "0", "-1").array?.compactMap(\.integer)
                #expect(list == Array(1...1_000))
            }
        }

        @Test("Words and answers can have any bytes")
        func bytes() async throws {
            let server = try await RedisServer.start()
            let bytes: [UInt8] = Array(0...255) + Array("\r\n$3\r\n".utf8)
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                _ = try await database.execute(RedisCommand("HSET", key: "hash", .bytes(bytes), .bytes([])))
                #expect(try await database.execute(RedisCommand("HGET", key: "hash", .bytes(bytes))).bytes == [])
                #expect(try await database.run("HKEYS", "hash").array?.map(\.bytes) == [bytes])
                #expect(try await database.run("HGET", "hash", "other").bytes == nil)
            }
        }

        @Test("A script is sent whole when the server does not know it, also after it forgot it")
        func scripts() async throws {
            let server = try await RedisServer.start()
            let script = RedisScript("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                for round in 1...3 {
                    let answer = try await database.evaluate(script, keys: ["key"], arguments: ["word"])
                    #expect(answer.array?.compactMap(\.string) == ["key", "word"])
                    #expect(answer.array?.last?.integer == Int64(round))
                    if round == 2 { try await database.run("SCRIPT", "FLUSH", "SYNC") }
                }
                let usage = try await database.run("INFO", "commandstats").string ?? ""
                #expect(usage.contains("cmdstat_eval:calls=2"))
                #expect(usage.contains("cmdstat_evalsha:calls=3"))
            }
        }

        @Test("What the server refuses is thrown with its first word")
        func refusals() async throws {
            let server = try await RedisServer.start()
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                try await database.run("SET", "key", "text")
                let error = await #expect(throws: RedisError.self) { try await database.run("LPUSH", "key", "x") }
                #expect(error?.code == .server("WRONGTYPE"))
                #expect(try await database.run("GET", "key").string == "text")
            }
        }

        @Test("Published messages and changes of tracked keys are told")
        func events() async throws {
            let server = try await RedisServer.start()
            let configuration = RedisConfiguration.testing(server.address) { $0.channels = ["news"] }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await RedisDatabase.with(.testing(server.address)) { other, _ async throws in
                    #expect(try await other.run("PUBLISH", "news", "hello").integer == Int64(1))
                    #expect(await events.next() == "message news hello")

                    try await other.run("SET", "a", "1")
                    try await other.run("SET", "b", "1")
                    _ = try await database.execute(RedisCommand("GET", key: "a"), isTracked: true)
                    _ = try await database.execute(RedisCommand("GET", key: "b"))
                    try await other.run("SET", "b", "2")
                    try await other.run("SET", "a", "2")
                    #expect(await events.next() == "invalidated a")

                    _ = try await database.execute(RedisCommand("GET", key: "a"), isTracked: true)
                    try await other.run("EXPIRE", "a", "3600")
                    #expect(await events.next() == "invalidated a")

                    // What expires is told if it was there to be read: on a busy machine another one, with a longer life, may be needed.
                    var expiring: String?
                    for seconds in [1, 5, 30] where expiring == nil {
                        let key = "for-\(seconds)"
                        try await other.run("SET", key, "1", "EX", "\(seconds)")
                        if try await !database.execute(RedisCommand("GET", key: key), isTracked: true).isNull { expiring = key }
                    }
                    let expired = try #require(expiring)
                    #expect(await events.next() == "invalidated \(expired)")

                    try await other.run("FLUSHALL")
                    #expect(await events.next() == "flushed")
                }
            }
        }

        @Test("The commands of one call have their answers in their order, the first error is thrown, and those are tracked that are to be")
        func together() async throws {
            let server = try await RedisServer.start()
            try await RedisDatabase.with(.testing(server.address)) { database, events async throws in
                try await RedisDatabase.with(.testing(server.address)) { other, _ async throws in
                    try await other.run("SET", "a", "1")
                    try await other.run("SET", "b", "2")
                    try await other.run("RPUSH", "list", "x")
                    @Sendable func get(_ tracked: String, _ other: String) async throws -> [String?] {
                        try await database.execute(together: [
                            (command: RedisCommand("GET", key: tracked), isTracked: true),
                            (command: RedisCommand("GET", key: other), isTracked: false),
                        ]).map(\.string)
                    }
                    try await withThrowingTaskGroup(of: [String?].self) { group in
                        for _ in 0..<1_000 { group.addTask { try await get("a", "b") } }
                        for try await values in group { #expect(values == ["1", "2"]) }
                    }
                    try await other.run("SET", "b", "3")
                    try await other.run("SET", "a", "3")
                    #expect(await events.next() == "invalidated a")
                    for (tracked, other) in [("list", "a"), ("a", "list"), ("list", "list")] {
                        let error = await #expect(throws: RedisError.self) { _ = try await get(tracked, other) }
                        #expect(error?.code == .server("WRONGTYPE"))
                    }
                    #expect(try await get("a", "nothing") == ["3", nil])
                    #expect(try await database.execute(together: []) == [])
                    let many = (0..<1_000).map { (command: RedisCommand("ECHO", key: "\($0)"), isTracked: false) }
                    #expect(try await database.execute(together: many).compactMap(\.integer) == (0..<1_000).map { Int64($0) })
                    // Whichever is answered last.
                    let commands = [["GET", "a"], ["GET", "list"], ["NOTHING", "a"], ["GET", "a"]].map { words in
                        (command: RedisCommand(words.map { .text($0) }, key: words[1]), isTracked: false)
                    }
                    for (order, first) in [(commands, "WRONGTYPE"), (Array(commands.reversed()), "ERR")] {
                        let error = await #expect(throws: RedisError.self) { _ = try await database.execute(together: order) }
                        #expect(error?.code == .server(first))
                    }
                    #expect(await database.answers(to: commands).map(\.string) == ["3", nil, nil, "3"])
                    await database.close()
                    let error = await #expect(throws: RedisError.self) { _ = try await get("a", "b") }
                    #expect(error?.code == .closed)
                }
            }
        }

        /// A command that waited for its time-out would take longer than a test may.
        @Test("A server that is killed: commands fail in time, and work again after it is back")
        func killed() async throws {
            let server = try await RedisServer.start()
            let configuration = RedisConfiguration.testing(server.address) { $0.commandTimeout = .seconds(3_600) }
            try await RedisDatabase.with(configuration) { database, events async throws in
                try await database.run("SET", "key", "value")
                try await server.end(.kill)
                #expect(await events.next() == "disconnected")
                for _ in 1...5 {
                    let error = await #expect(throws: RedisError.self) { try await database.run("GET", "key") }
                    #expect(error?.code == .notConnected)
                }
                #expect(!database.isConnected)
                try await server.start()
                #expect(await events.next() == "connected")
                #expect(try await database.run("GET", "key").isNull)
                #expect(database.isConnected)
            }
        }

        /// A thousand commands that waited for their time-out would take longer than a test may.
        @Test("A server that is stopped: commands time out, then fail at once, and it is as before when it goes on")
        func stopped() async throws {
            let server = try await RedisServer.start()
            let configuration = RedisConfiguration.testing(server.address) { configuration in
                configuration.commandTimeout = .seconds(1)
                configuration.stallTimeout = .seconds(3_600)
            }
            try await RedisDatabase.with(configuration) { database, events async throws in
                server.send(.suspend)
                let first = await #expect(throws: RedisError.self) { try await database.run("INCR", "key") }
                #expect(first?.code == .timedOut)
                for _ in 1...1_000 {
                    let later = await #expect(throws: RedisError.self) { try await database.run("INCR", "key") }
                    #expect(later?.code == .notConnected)
                }
                #expect(!database.isConnected)

                server.send(.resume)
                // The late answer of the first is thrown away, not taken for that of this one, which may be late again on a busy machine.
                let answer = try await eventually("a command is answered") { try? await database.run("GET", "key") }
                #expect(answer.string == "1")
                #expect(events.all == ["connected"])
            }
        }

        @Test("A server that stays stopped is left")
        func stalled() async throws {
            let server = try await RedisServer.start()
            let configuration = RedisConfiguration.testing(server.address) { configuration in
                configuration.commandTimeout = .milliseconds(100)
                configuration.stallTimeout = .milliseconds(400)
                configuration.pingInterval = .milliseconds(100)
                configuration.connectTimeout = .milliseconds(300)
            }
            try await RedisDatabase.with(configuration) { database, events async throws in
                server.send(.suspend)
                // Without any command: the connection is asked for a sign of life.
                #expect(await events.next() == "disconnected")
                server.send(.resume)
                #expect(await events.next() == "connected")
                // On a busy machine it is left again.
                let answer = try await eventually("a command is answered") { try? await database.run("PING") }
                #expect(answer.string == "PONG")
            }
        }
    }
}
