import MirrorState
import MirrorTesting
import StateRedis
import TestServers
import Testing

@Suite("What a Redis server is told to be wrong", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisServerReportTests {
    private func report(_ options: [String]) async throws -> RedisServerReport {
        let server = try await RedisServer.start(options)
        let store = try await RedisPlace(configuration: server.configuration).open(ManualClock())
        let report = try await store.serverReport()
        await store.close()
        return report
    }

    @Test("nothing, when it evicts the least recently used replicas")
    func findsNothing() async throws {
        let report = try await report(["--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru"])
        #expect(report.findings == [])
        #expect(report.version.hasPrefix("7.") || report.version.hasPrefix("8."))
        #expect(report.mode == "standalone")
        #expect(report.role == "master")
        #expect(report.maxMemory == 64 << 20)
        #expect(report.maxMemoryPolicy == "volatile-lru")
        #expect(report.usedMemory > 0)
        #expect(report.errors == [])
    }

    @Test("the policy, with the command that mends it", arguments: ["noeviction", "allkeys-lru", "volatile-ttl", "volatile-random"])
    func findsThePolicy(_ policy: String) async throws {
        let report = try await report(["--maxmemory", "64mb", "--maxmemory-policy", policy])
        #expect(report.findings.count == 1)
        #expect(report.findings.first?.contains(policy) == true)
        #expect(report.findings.first?.contains("CONFIG SET maxmemory-policy volatile-lru") == true)
    }

    @Test("memory without a limit")
    func findsNoLimit() async throws {
        let report = try await report([])
        #expect(report.findings.count == 1)
        #expect(report.findings.first?.contains("maxmemory is not set") == true)
    }

    @Test(
        "prefixes without braces, spaces and the like",
        arguments: [("cloud-mirror", true), ("a.b:c_2", true), ("", false), ("a{b}", false), ("a b", false), ("é", false)])
    func checksPrefixes(_ text: String, _ isOne: Bool) {
        #expect(RedisStateStore.isPrefix(text) == isOne)
    }
}
