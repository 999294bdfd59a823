import CloudRegions
import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import NIOPosix
import TestServers
import Testing

@testable import MirrorNode
@testable import MirrorSettings

/// Newer lists of the clouds' addresses, from servers and files.
@Suite(.timeLimit(.minutes(2)))
struct RegionUpdatesTests {
    private let registry = MetricsRegistry()
    private let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// As AWS would publish it.
    private static func published(_ count: Int, region: String) -> String {
        let prefixes = (0..<count).map { #"{"ip_prefix": "192.0.2.\#($0)/32", "region": "\#(region)", "service": "AMAZON"}"# }
        return #"{"prefixes": [\#(prefixes.joined(separator: ","))], "ipv6_prefixes": []}"#
    }

    private func selection() throws -> PoolSelection {
        let old = try PublishedRanges.read(
            Array(Self.published(10, region: "us-east-1").utf8), of: .aws, date: Timestamp(milliseconds: 1_000))
        return PoolSelection(SelectionConfiguration(), pools: [], table: CloudRegionTable([old]))
    }

    private func updates(_ sources: CloudRegionSources, _ selection: PoolSelection, _ client: GuardedClient? = nil) -> RegionUpdates {
        RegionUpdates(
            sources: sources, reader: RegionSourceReader(client: client), selection: selection, metrics: RegionMetrics(factory: registry),
            clock: SystemClock(), logger: log)
    }

    private func region(_ selection: PoolSelection) throws -> String? {
        selection.table.region(of: try #require(IPAddress("192.0.2.0")))?.description
    }

    private func count(_ result: String) -> Int {
        registry.values(of: RegionMetrics.Name.updates).reduce(0) {
            $0 + ($1.labels["result"] == result && $1.labels["cloud"] == "aws" ? Int($1.value) : 0)
        }
    }

    /// Runs `body` with a client that may fetch what the sources name and nothing else.
    private func withClient(_ urls: [String], _ body: (GuardedClient) async throws -> Void) async throws {
        var configuration = try Configuration.reading(minimalFile)
        configuration.origins.policy = try EgressPolicy(
            requireHTTPS: false, allowAddresses: [try #require(IPNetwork("127.0.0.1/32"))])
        configuration.selection.cloudRegions.aws = .url(try ArtifactURL(try #require(urls.first)))
        let policy = try #require(try configuration.regionPolicy())
        let group = MultiThreadedEventLoopGroup.singleton
        let client = GuardedClient(
            policy: policy, resolver: SystemResolver(eventLoopGroup: group), eventLoopGroup: group, logger: log)
        let result: Result<Void, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutdown()
        try result.get()
    }

    @Test("A list that a server has takes the place of the one before, and is counted")
    func fetched() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/ip-ranges.json", .text(Self.published(6, region: "us-west-2")))
            try await withClient([origin.url("/ip-ranges.json")]) { client in
                let selection = try selection()
                let url = try ArtifactURL(origin.url("/ip-ranges.json"))
                let isUpdated = await updates(CloudRegionSources(), selection, client).update(.aws, from: .url(url))
                #expect(isUpdated)
                #expect(try region(selection) == "aws/us-west-2")
                #expect(selection.table.list(of: .aws)?.prefixes == 6)
                #expect(selection.selector.version == 1)
                #expect(count("updated") == 1)
                let date = registry.values(of: RegionMetrics.Name.dates).first { $0.labels["cloud"] == "aws" }
                #expect(date.map { $0.value > 1_700_000_000 } == true)
            }
        }
    }

    @Test("A file is read in the same way")
    func file() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(Self.published(5, region: "us-west-2"), to: "ip-ranges.json")
        let selection = try selection()
        let isUpdated = await updates(CloudRegionSources(), selection).update(.aws, from: .file(path))
        #expect(isUpdated)
        #expect(try region(selection) == "aws/us-west-2")
    }

    @Test(
        "What is not a whole list, or has lost more than half of it, changes nothing",
        arguments: [
            FakeBehavior.status(404, "no"), .status(500, "no"), .text(""), .text("<html>sign in</html>"), .text("{}"),
            .text(Self.published(4, region: "us-west-2")), .text(Self.published(10, region: "US-WEST-2")),
            .text(String(Self.published(10, region: "us-west-2").dropLast(30))),
            .text(Self.published(10, region: "us-west-2")).with { $0.truncateAfter = 100 },
            .redirect(to: "http://127.0.0.1:1/ip-ranges.json"), .hangUp,
        ])
    func refused(answer: FakeBehavior) async throws {
        try await FakeOrigin.run { origin in
            origin.on("/ip-ranges.json", answer)
            try await withClient([origin.url("/ip-ranges.json")]) { client in
                let selection = try selection()
                let url = try ArtifactURL(origin.url("/ip-ranges.json"))
                let isUpdated = await updates(CloudRegionSources(), selection, client).update(.aws, from: .url(url))
                #expect(!isUpdated)
                #expect(try region(selection) == "aws/us-east-1")
                #expect(selection.selector.version == 0)
                #expect(count("refused") == 1)
            }
        }
    }

    @Test("Nothing but the lists may be fetched, and a redirect leads nowhere else")
    func policy() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/other.json", .text(Self.published(10, region: "us-west-2")))
            origin.on("/ip-ranges.json", .redirect(to: "/other.json"))
            try await withClient([origin.url("/ip-ranges.json?v=1")]) { client in
                let selection = try selection()
                for path in ["/ip-ranges.json?v=1", "/other.json"] {
                    let url = try ArtifactURL(origin.url(path))
                    let isUpdated = await updates(CloudRegionSources(), selection, client).update(.aws, from: .url(url))
                    #expect(!isUpdated)
                }
                #expect(origin.requests(for: "/other.json").isEmpty)
            }
        }
        let plain = try Configuration.reading(minimalFile)
        #expect(try plain.regionPolicy() == nil)
        var files = plain
        files.selection.cloudRegions.azure = .file("/azure.json")
        #expect(try files.regionPolicy() == nil)
    }

    @Test("A file that is not there changes nothing")
    func missing() async throws {
        let selection = try selection()
        let isUpdated = await updates(CloudRegionSources(), selection).update(.aws, from: .file("/nowhere/ip-ranges.json"))
        #expect(!isUpdated)
        #expect(try region(selection) == "aws/us-east-1")
        #expect(count("refused") == 1)
    }

    @Test("All sources are read at the start, one that fails does not keep the others, and it ends when it is cancelled")
    func run() async throws {
        let directory = try TemporaryDirectory()
        var sources = CloudRegionSources()
        sources.google = .file("/nowhere/cloud.json")
        sources.aws = .file(try directory.write(Self.published(10, region: "us-west-2"), to: "ip-ranges.json"))
        let selection = try selection()
        let updates = updates(sources, selection)
        let running = Task { await updates.run() }
        while selection.selector.version == 0, !Task.isCancelled { await Task.yield() }
        #expect(try region(selection) == "aws/us-west-2")
        running.cancel()
        await running.value
        #expect(count("updated") == 1)
    }
}
