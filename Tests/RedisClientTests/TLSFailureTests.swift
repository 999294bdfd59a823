import Logging
import NIOPosix
import NIOSSL
import TestServers
import Testing

@testable import RedisClient

extension ServerTests {
    @Suite("What is said when TLS does not come about")
    struct TLSFailures {
        /// A server with a port for TLS beside the one without.
        private struct Site {
            let server: RedisServer
            let certificates: Certificates
            let port: Int

            init(_ more: [String] = []) async throws {
                certificates = try await Certificates()
                port = try await FreePort.next()
                server = try await RedisServer.start(certificates.redisOptions(port: port) + more)
            }
        }

        /// - Parameter authority: `nil` is the system's.
        private func configuration(
            _ host: String, _ port: Int, authority: String?, connectTimeout: Duration = .seconds(60)
        ) -> RedisConfiguration {
            .testing(.init(host: host, port: port)) {
                $0.tls = .makeClientConfiguration()
                if let authority { $0.tls?.trustRoots = .file(authority) }
                $0.connectTimeout = connectTimeout
                $0.connectionWait = .seconds(60)
            }
        }

        /// What the log says first, which is also what a caller is told.
        private func failure(_ configuration: RedisConfiguration) async throws -> String {
            let log = LogRecorder()
            let database = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            let error = await #expect(throws: RedisError.self) { try await database.run("PING") }
            await database.close()
            let told = try #require(error?.message)
            for text in log.all + [told] {
                // A path, or the words of the library.
                #expect(!text.contains("/") && !text.contains("OPENSSL") && !text.contains("BoringSSL"), "\(text)")
            }
            #expect(log.all.contains { $0.contains(told) }, "\(log.all)")
            return told
        }

        @Test("An authority that is not trusted")
        func authority() async throws {
            let site = try await Site()
            defer { site.server.send(.kill) }
            let told = try await failure(configuration("localhost", site.port, authority: nil))
            #expect(told == "localhost:\(site.port): \(ConnectionFailure.untrusted)")
        }

        @Test("A certificate for another name")
        func name() async throws {
            let site = try await Site()
            defer { site.server.send(.kill) }
            let told = try await failure(configuration("127.0.0.1", site.port, authority: site.certificates.authority))
            #expect(told == "127.0.0.1:\(site.port): the certificate is not for 127.0.0.1")
        }

        @Test("A server that asks for a client certificate", arguments: ["TLSv1.3", "TLSv1.2"])
        func clientCertificate(version: String) async throws {
            let site = try await Site(["--tls-auth-clients", "yes", "--tls-protocols", version])
            defer { site.server.send(.kill) }
            let told = try await failure(configuration("localhost", site.port, authority: site.certificates.authority))
            #expect(told.contains("client certificate"))
            #expect(told.contains("not supported"))
        }

        @Test("No version of TLS that both know")
        func version() async throws {
            let site = try await Site(["--tls-protocols", "TLSv1.2"])
            defer { site.server.send(.kill) }
            var configuration = configuration("localhost", site.port, authority: site.certificates.authority)
            configuration.tls?.minimumTLSVersion = .tlsv13
            let told = try await failure(configuration)
            #expect(told.hasPrefix("localhost:\(site.port): the TLS handshake failed ("))
        }

        @Test("TLS asked of a server that has none, which waits for more or refuses what it reads")
        func plainServer() async throws {
            let server = try await RedisServer.start()
            let told = try await failure(configuration("localhost", server.port, authority: nil, connectTimeout: .milliseconds(500)))
            #expect(told.hasPrefix("localhost:\(server.port)"))
            #expect(told.hasSuffix(ConnectionFailure.hint))
        }

        @Test("No TLS spoken to a server that wants it")
        func plainClient() async throws {
            let site = try await Site()
            defer { site.server.send(.kill) }
            let told = try await failure(
                .testing(.init(host: "127.0.0.1", port: site.port)) { $0.connectionWait = .seconds(60) })
            #expect(told.hasSuffix(ConnectionFailure.hint))
        }

        @Test("A server that was talked to before is not suspected when it does not come back")
        func lost() async throws {
            let server = try await RedisServer.start()
            let configuration = RedisConfiguration.testing(server.address) {
                // Not so short that a busy machine looks like a server that is gone.
                $0.connectTimeout = .seconds(3)
                $0.commandTimeout = .seconds(1)
                $0.stallTimeout = .seconds(3)
                $0.connectionWait = .seconds(60)
            }
            let log = LogRecorder(.info)
            let database = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: log.logger)
            #expect(await log.next().contains("connected"))
            server.send(.suspend)
            #expect(await log.next().contains("lost"))
            #expect(await log.next().contains("did not answer in time"))
            #expect(!log.all.contains { $0.contains(ConnectionFailure.hint) })
            server.send(.kill)
            await database.close()
        }
    }
}
