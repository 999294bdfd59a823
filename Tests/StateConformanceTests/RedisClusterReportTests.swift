import MirrorCore
import MirrorState
import MirrorTesting
import NIOPosix
import RedisClient
import StateRedis
import TestServers
import Testing

import struct Logging.Logger
import struct Logging.SwiftLogNoOpLogHandler

@Suite(
    "What is told of servers that are not what the URL says, and of each server of a cluster", .enabled(if: RedisServer.isExpected),
    .timeLimit(.minutes(5)))
struct RedisClusterReportTests {
    private func reports(_ configuration: RedisConfiguration) async throws -> [RedisServerReport] {
        let store = RedisStateStore(
            configuration, prefix: "test", pools: [try Sample.pool("s3/eu-central-1")], maxQueued: 1,
            staleLife: .seconds(3_600), group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await ending {
            try await store.serverReports(configuration, group: MultiThreadedEventLoopGroup.singleton)
        } with: {
            await store.close()
        }
    }

    @Test("Each master of a cluster is looked at, and what is wrong with one is said of that one")
    func masters() async throws {
        let cluster = try await RedisCluster.start(nodeTimeout: 15_000)
        let odd = cluster.servers[1]
        try await odd.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        let reports = try await reports(cluster.configuration)
        #expect(Set(reports.compactMap(\.server?.port)) == Set(cluster.servers.map(\.port)))
        #expect(reports.count == 3)
        for report in reports {
            #expect(report.errors == [])
            #expect(report.mode == "cluster")
            #expect(report.maxMemory == 256 << 20)
            #expect(report.findings.count == (report.server?.port == odd.port ? 1 : 0), "\(report.findings)")
        }
    }

    @Test("A master that does not answer is an error of its own")
    func silentMaster() async throws {
        let cluster = try await RedisCluster.start(nodeTimeout: 60_000)
        var configuration = cluster.configuration
        // For the one that is stopped; on a busy machine the others take a while, too.
        configuration.connectTimeout = .seconds(5)
        // The one that is asked for the others is not the one that is stopped.
        configuration.addresses = [try #require(configuration.addresses.first)]
        cluster.servers[2].send(.suspend)
        let reports = try await reports(configuration)
        cluster.servers[2].send(.resume)
        let silent = reports.filter { $0.server?.port == cluster.servers[2].port }
        #expect(silent.count == 1)
        #expect(silent.first?.errors.first?.contains("did not answer in time") == true, "\(silent)")
        #expect(reports.count { $0.errors.isEmpty } == 2)
    }

    @Test("A server of a cluster that is taken for one alone is an error")
    func nodeOfCluster() async throws {
        let server = try await RedisServer.start(
            RedisServer.evicting + ["--cluster-enabled", "yes", "--cluster-port", "\(try await FreePort.next())"])
        let reports = try await reports(server.configuration)
        #expect(reports.count == 1)
        #expect(reports.first?.errors.count == 1)
        #expect(reports.first?.errors.first?.contains("redis+cluster://") == true)
    }

    @Test("A replica that takes no writes is an error")
    func replica() async throws {
        let master = try await RedisServer.start()
        let replica = try await RedisServer.start(RedisServer.evicting + ["--replicaof", "127.0.0.1 \(master.port)"])
        try await eventually("the replica follows its master") {
            try await replica.lines("INFO", "replication")["master_link_status"] == "up"
        }
        let reports = try await reports(replica.configuration)
        #expect(reports.first?.errors.count == 1)
        #expect(reports.first?.errors.first?.contains("does not accept writes") == true)
    }

    @Test("A sentinel that is taken for a server is an error")
    func sentinel() async throws {
        let master = try await RedisServer.start()
        let sentinel = try await RedisServer.startSentinel("sentinel monitor main 127.0.0.1 \(master.port) 1\n")
        let reports = try await reports(sentinel.configuration)
        #expect(reports.first?.errors.count == 1)
        #expect(reports.first?.errors.first?.contains("redis+sentinel://") == true)
        #expect(reports.first?.findings == [])
    }

    @Test("A server that is full and evicts nothing is said to be full")
    func full() async throws {
        let server = try await RedisServer.start(["--maxmemory", "1", "--maxmemory-policy", "noeviction"])
        let reports = try await reports(server.configuration)
        #expect(reports.first?.errors == [])
        #expect(reports.first?.findings.count == 1)
        #expect(reports.first?.findings.first?.contains("memory is full") == true)
    }
}
