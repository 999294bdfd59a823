import Logging
import MirrorCore
import MirrorNet
import MirrorTesting
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("The keys of an identity", .timeLimit(.minutes(5)))
struct DelegationKeyTests {
    private static func run(
        _ clock: ManualClock, _ script: @escaping ScriptedServer.Script,
        _ body: @escaping @Sendable (AzureDelegationKeys, ScriptedServer) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        try await ending {
            try await ScriptedServer.run(script) { server async throws in
                let keys = AzureDelegationKeys(
                    endpoint: try StoreFixture.endpoint(at: server), credentials: GivenCredentials.tokens("t"), http: http, clock: clock,
                    logger: logger)
                try await ending {
                    try await body(keys, server)
                } with: {
                    await keys.shutdown()
                }
            }
        } with: {
            await http.shutdown()
        }
    }

    @Test("A service that does not answer is waited for as long as callers bear")
    func silence() async throws {
        let (clock, gate) = (ManualClock(), FakeGate())
        let script: ScriptedServer.Script = { _ in
            try await gate.wait()
            return .init(status: 503)
        }
        try await Self.run(clock, script) { keys, _ async throws in
            let asking = Task { try await keys.key() }
            try await gate.waiting()
            // The request may have arrived before the time is limited.
            try await eventually("the time is limited") { clock.sleeperCount == 1 }
            clock.advance(by: .milliseconds(14_999))
            #expect(clock.sleeperCount == 1)
            clock.advance(by: .milliseconds(1))
            try #require(clock.sleeperCount == 0)
            let error = await #expect(throws: CredentialsError.self) { try await asking.value }
            let failure = try #require(error)
            #expect(failure.code == .unavailable && failure.message.contains("gives no answer in time"), "\(failure)")
        }
    }

    @Test("A service whose keys end too soon is asked once a minute, and what it gives is used")
    func shortLives() async throws {
        let clock = ManualClock()
        let script: ScriptedServer.Script = { _ in FakeBlobs.delegationKey(from: clock.now, to: clock.now + .seconds(3_600)) }
        try await Self.run(clock, script) { keys, server async throws in
            for (wait, requests) in [(.zero, 1), (.milliseconds(59_999), 1), (.milliseconds(1), 2)] as [(Duration, Int)] {
                clock.advance(by: wait)
                for _ in 0..<3 { #expect(try await keys.key().objectID == "o-1") }
                #expect(server.requests.count == requests)
            }
        }
    }
}
