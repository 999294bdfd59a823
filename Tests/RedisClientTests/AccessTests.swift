import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestServers
import Testing

@testable import RedisClient

extension ServerTests {
    @Suite("Users and TLS")
    struct Access {
        @Test("A user with the right password is let in; a wrong one is told to people without the password, until it is right")
        func users() async throws {
            let server = try await RedisServer.start([
                "--user", "mirror", "on", ">s3cret", "~*", "&*", "+@all", "--user", "default", "off",
            ])
            var configuration = RedisConfiguration.testing(server.address)
            configuration.username = "mirror"
            configuration.password = "s3cret"
            try await RedisDatabase.with(configuration) { database, _ async throws in
                #expect(try await database.run("ACL", "WHOAMI").string == "mirror")

                var wrong = configuration
                wrong.password = "hunter2"
                let log = LogRecorder()
                let events = EventRecorder()
                let other = RedisDatabase(wrong, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger) { events.record($0) }
                #expect(await log.next().contains("user"))
                let error = await #expect(throws: RedisError.self) { try await other.run("PING") }
                #expect(error?.code == .notConnected)
                #expect(!log.all.contains { $0.contains("hunter2") } && error?.message.contains("hunter2") == false)
                try await database.run("ACL", "SETUSER", "mirror", ">hunter2")
                #expect(await events.next() == "connected")
                #expect(try await other.run("PING").string == "PONG")
                await other.close()
            }
        }

        @Test("What a user may not do is said at once")
        func permissions() async throws {
            let server = try await RedisServer.start(["--user", "default", "on", "nopass", "~*", "resetchannels", "+@all"])
            let log = LogRecorder()
            let configuration = RedisConfiguration.testing(server.address) { $0.channels = ["news"] }
            let database = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            #expect(await log.next().contains("ACL"))
            #expect(!database.isConnected)
            await database.close()
        }

        @Test("A server that may not be asked to track keys is used without")
        func withoutTracking() async throws {
            let server = try await RedisServer.start(["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking"])
            try await RedisDatabase.with(.testing(server.address)) { database, _ async throws in
                #expect(!database.isTracking)
                let answer = try await database.execute(RedisCommand("INCR", key: "key"), isTracked: true)
                #expect(answer.integer == Int64(1))
                #expect(try await database.run("INCR", "key").integer == Int64(2))
            }
        }

        @Test("Over TLS a server is taken whose certificate is trusted and is for its name, and no other")
        func tls() async throws {
            let files = try await Certificates()
            let port = try await FreePort.next()
            let server = try await RedisServer.start(files.redisOptions(port: port))
            // Beside its port nothing asks for it.
            defer { server.send(.kill) }
            var trusting = TLSConfiguration.makeClientConfiguration()
            trusting.trustRoots = .file(files.authority)
            var configuration = RedisConfiguration.testing(.init(host: "localhost", port: port))
            configuration.tls = trusting
            try await RedisDatabase.with(configuration) { database, _ async throws in
                #expect(try await database.run("PING").string == "PONG")
            }
            // The certificate is not for the address.
            for (host, roots) in [("localhost", nil), ("127.0.0.1", files.authority)] {
                var refusing = configuration
                refusing.addresses = [.init(host: host, port: port)]
                refusing.tls = .makeClientConfiguration()
                if let roots { refusing.tls?.trustRoots = .file(roots) }
                let log = LogRecorder()
                let database = RedisDatabase(refusing, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
                #expect(await log.next().lowercased().contains("certificate"))
                let error = await #expect(throws: RedisError.self) { try await database.run("PING") }
                #expect(error?.code == .notConnected)
                await database.close()
            }
        }
    }
}
