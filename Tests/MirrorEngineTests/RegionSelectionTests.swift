import CloudRegions
import MirrorCore
import Testing

@testable import MirrorEngine

@Suite("Choosing the pool by the client's cloud region")
struct RegionSelectionTests {
    private static let date = Timestamp(milliseconds: 1_793_000_000_000)

    /// Documentation networks stand for those of clouds.
    private func table() throws -> CloudRegionTable {
        CloudRegionTable([
            try RegionList(
                .aws, date: Self.date,
                entries: [
                    ("192.0.2.0/26", "us-west-2"), ("192.0.2.64/26", "us-east-1"), ("192.0.2.128/26", "eu-west-3"),
                    ("192.0.2.192/26", "xx-nowhere-1"), ("2001:db8:a::/48", "us-west-2"),
                ]),
            try RegionList(.google, date: Self.date, entries: [("198.51.100.0/25", "europe-west9"), ("198.51.100.128/25", "us-west1")]),
            try RegionList(.azure, date: Self.date, entries: [("203.0.113.0/24", "francecentral")]),
        ])
    }

    private func pools(_ texts: [String]) throws -> [PoolID] { try texts.map { try #require(PoolID($0)) } }

    private func selector(
        _ pools: [String], fallback: String? = nil, _ change: (inout SelectionConfiguration) throws -> Void = { _ in }
    ) throws -> PoolSelector {
        var selection = SelectionConfiguration(
            networks: [(try #require(IPNetwork("192.0.2.7/32")), try #require(PoolID("local/dev")))],
            trustedProxies: [try #require(IPNetwork("10.0.0.1/32"))], fallback: try fallback.map { try #require(PoolID($0)) })
        try change(&selection)
        return PoolSelector(selection, pools: try self.pools(pools), regions: try table())
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test(
        "A region's pool serves its clients, else the nearest of the same cloud, else the nearest of any, else the default",
        arguments: [
            // The pool that is named for the region.
            ("192.0.2.1", ["s3/us-west-2", "s3/us-east-1"], "s3/us-west-2", "region"),
            ("::ffff:192.0.2.1", ["s3/us-west-2", "s3/us-east-1"], "s3/us-west-2", "region"),
            ("2001:db8:a::1", ["s3/us-west-2", "s3/us-east-1"], "s3/us-west-2", "region"),
            ("198.51.100.1", ["s3/us-west-2", "gcs/europe-west9"], "gcs/europe-west9", "region"),
            ("203.0.113.1", ["gcs/europe-west9", "azure/francecentral"], "azure/francecentral", "region"),
            // A service's region says nothing of another's.
            ("203.0.113.1", ["azure/westus2", "gcs/europe-west9"], "azure/westus2", "nearest"),
            ("192.0.2.129", ["s3/us-west-2", "s3/us-east-1", "gcs/europe-west9"], "s3/us-east-1", "nearest"),
            ("192.0.2.129", ["gcs/us-west1", "gcs/europe-west9"], "gcs/europe-west9", "nearest"),
            ("198.51.100.129", ["s3/eu-west-3", "s3/us-west-2"], "s3/us-west-2", "nearest"),
            // Of a region that is nowhere, and of pools that are in none, nobody knows how near they are.
            ("192.0.2.193", ["s3/us-west-2", "local/dev"], "local/dev", "default"),
            ("192.0.2.1", ["local/us-west-2", "s3/garage"], "local/dev", "default"),
            ("192.0.2.193", ["s3/xx-nowhere-1"], "s3/xx-nowhere-1", "region"),
            // A network of the operator's comes before the clouds'.
            ("192.0.2.7", ["s3/us-west-2"], "local/dev", "network"),
            ("8.8.8.8", ["s3/us-west-2"], "local/dev", "default"), ("2001:db8:b::1", ["s3/us-west-2"], "local/dev", "default"),
        ] as [(String, [String], String, String)])
    func order(client: String, pools: [String], expected: String, reason: String) throws {
        let selector = try selector(pools, fallback: "local/dev")
        let choice = try selector.choice(for: address(client))
        #expect(choice.pool?.description == expected)
        #expect(choice.reason.rawValue == reason)
    }

    @Test("The settings say which pool serves a region, and whether the nearest does")
    func settings() throws {
        let all = ["s3/us-west-2", "gcs/us-west1", "local/dev"]
        func choice(_ client: String, _ change: (inout SelectionConfiguration) throws -> Void) throws -> String {
            let choice = try selector(all, change).choice(for: address(client))
            return "\(choice.pool?.description ?? "origin") \(choice.reason.rawValue)"
        }
        let dev = try #require(PoolID("local/dev"))
        let (west, france) = (try #require(CloudRegion("aws/us-west-2")), try #require(CloudRegion("azure/francecentral")))
        #expect(try choice("192.0.2.1") { $0.regions = [west: dev] } == "local/dev region")
        #expect(try choice("203.0.113.1") { $0.regions = [france: dev] } == "local/dev region")
        #expect(try choice("192.0.2.65") { $0.nearest = .any } == "s3/us-west-2 nearest")
        #expect(try choice("192.0.2.65") { $0.nearest = .sameCloud } == "s3/us-west-2 nearest")
        #expect(try choice("203.0.113.1") { $0.nearest = .sameCloud } == "origin default")
        #expect(try choice("192.0.2.65") { $0.nearest = .never } == "origin default")
        #expect(try choice("192.0.2.1") { $0.nearest = .never } == "s3/us-west-2 region")
    }

    @Test("A decision tells the network and the region, whichever of them decided")
    func decision() throws {
        let selector = try selector(["s3/us-west-2"])
        let west = try #require(CloudRegion("aws/us-west-2"))
        #expect(
            try selector.decision(for: address("192.0.2.7"))
                == PoolDecision(pool: PoolID("local/dev"), reason: .network, network: IPNetwork("192.0.2.7/32"), region: west))
        #expect(
            try selector.decision(for: address("192.0.2.1"))
                == PoolDecision(pool: PoolID("s3/us-west-2"), reason: .region, network: nil, region: west))
        #expect(
            try selector.decision(for: address("203.0.113.1"))
                == PoolDecision(pool: PoolID("s3/us-west-2"), reason: .nearest, network: nil, region: CloudRegion("azure/francecentral")))
        #expect(
            try selector.decision(for: address("8.8.8.8")) == PoolDecision(pool: nil, reason: .fallback, network: nil, region: nil))
        #expect(selector.lists.map(\.cloud) == [.aws, .google, .azure])
    }

    @Test("A proxy's requests can be for different pools as soon as regions have pools")
    func dependsOnProxy() throws {
        let proxy = try address("10.0.0.1")
        func selector(_ pools: [String]) throws -> PoolSelector {
            PoolSelector(
                SelectionConfiguration(trustedProxies: [try #require(IPNetwork("10.0.0.0/8"))]), pools: try self.pools(pools),
                regions: try table())
        }
        #expect(try selector(["local/dev"]).dependsOnProxy(proxy) == false)
        #expect(try selector(["s3/us-west-2"]).dependsOnProxy(proxy))
        #expect(try selector(["s3/us-west-2"]).dependsOnProxy(address("192.0.2.1")) == false)
    }

    @Test("Settings and lists are replaced one by one, and each replacement is a new version of the selector")
    func replacement() throws {
        let pools = try pools(["s3/us-west-2", "local/dev"])
        let client = try address("192.0.2.1")
        let selection = PoolSelection(SelectionConfiguration(), pools: pools, table: CloudRegionTable([]))
        #expect(selection.selector.value.choice(for: client).pool == nil)
        let list = try RegionList(.aws, date: Self.date, entries: [("192.0.2.0/24", "us-west-2")])
        selection.replaceList(with: list)
        #expect(selection.selector.value.choice(for: client).pool == pools[0])
        selection.replaceSettings(with: SelectionConfiguration(networks: [(try #require(IPNetwork("192.0.2.1/32")), pools[1])]))
        #expect(selection.selector.value.choice(for: client).pool == pools[1])
        #expect(try selection.selector.value.choice(for: address("192.0.2.2")).pool == pools[0])
        #expect(selection.selector.version == 2)
        #expect(selection.table.lists == [list])
    }
}
