import MirrorCore
import Testing

@testable import CloudRegions

@Suite("Lists of a cloud's addresses")
struct RegionListTests {
    private static let date = Timestamp(milliseconds: 1_793_000_000_000)

    private func list(_ entries: [(String, String)], cloud: Cloud = .aws) throws(RegionListError) -> RegionList {
        try RegionList(cloud, date: Self.date, entries: entries.map { (network: $0.0, region: $0.1) })
    }

    private func region(_ table: CloudRegionTable, _ address: String) throws -> String? {
        table.region(of: try #require(IPAddress(address)))?.description
    }

    @Test("An address is in the region of the longest prefix that holds it, in IPv4 and in IPv6")
    func regions() throws {
        let table = CloudRegionTable([
            try list([
                ("192.0.2.0/24", "us-east-1"), ("192.0.2.128/25", "us-west-2"), ("192.0.2.130/32", "eu-west-1"),
                ("2001:db8::/32", "us-east-1"), ("2001:db8:1::/48", "us-west-2"), ("2001:db8:1:2::/64", "eu-west-1"),
            ]),
            try list([("198.51.100.0/24", "us-east1"), ("192.0.2.0/25", "us-west1")], cloud: .google),
        ])
        let expected: [(String, String?)] = [
            ("192.0.1.255", nil), ("192.0.2.0", "aws/us-east-1"), ("192.0.2.127", "aws/us-east-1"), ("192.0.2.128", "aws/us-west-2"),
            ("192.0.2.130", "aws/eu-west-1"), ("192.0.2.131", "aws/us-west-2"), ("192.0.2.255", "aws/us-west-2"), ("192.0.3.0", nil),
            ("::ffff:192.0.2.130", "aws/eu-west-1"), ("198.51.100.7", "google/us-east1"), ("0.0.0.0", nil), ("255.255.255.255", nil),
            ("2001:db8::1", "aws/us-east-1"), ("2001:db8:1::1", "aws/us-west-2"), ("2001:db8:1:2:ffff::1", "aws/eu-west-1"),
            ("2001:db8:1:3::", "aws/us-west-2"), ("2001:db7:ffff::", nil), ("2001:db9::", nil), ("::", nil), ("ffff::", nil),
        ]
        for (address, region) in expected { #expect(try self.region(table, address) == region, "\(address)") }
    }

    @Test(
        "A list with anything that no cloud publishes is refused",
        arguments: [
            ([], "has no region for any"), ([("0.0.0.0/0", "us-east-1")], "all of 0.0.0.0/0"), ([("::/0", "us-east-1")], "all of ::/0"),
            ([("64.0.0.0/7", "us-east-1")], "all of"), ([("2000::/19", "us-east-1")], "all of"),
            ([("192.0.2.1/24", "us-east-1")], "not a network"), ([("192.0.2.0/33", "us-east-1")], "not a network"),
            ([("x", "us-east-1")], "not a network"), ([("", "us-east-1")], "not a network"),
            ([("192.0.2.0/24", "")], "not the name of a region"), ([("192.0.2.0/24", "US-EAST-1")], "not the name of a region"),
            ([("192.0.2.0/24", "us/east")], "not the name of a region"), ([("192.0.2.0/24", "1-us")], "not the name of a region"),
            ([("192.0.2.0/24", "us east")], "not the name of a region"),
            ([("192.0.2.0/24", String(repeating: "a", count: 41))], "not the name of a region"),
            ([("2001:db8::1/128", "us-east-1")], "has no region for any"),
            // However much good there is beside it.
            ([("192.0.2.0/24", "us-east-1"), ("0.0.0.0/0", "us-west-2")], "all of 0.0.0.0/0"),
        ] as [([(String, String)], String)])
    func refused(entries: [(String, String)], message: String) {
        let error = #expect(throws: RegionListError.self) { try list(entries) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test("A list that is too long is refused, and so is one with too many regions")
    func bounds() {
        let long = Array(repeating: ("192.0.2.0/24", "us-east-1"), count: RegionList.maxPrefixes + 1)
        #expect(throws: RegionListError.self) { try list(long) }
        let many = (0...RegionList.maxRegions).map { ("10.\($0 / 256).\($0 % 256).0/24", "region-\($0)") }
        #expect(throws: RegionListError.self) { try list(many) }
        #expect(throws: Never.self) { try list(Array(many.dropLast())) }
    }

    @Test("Text of a list that is shown is cut and holds no control characters")
    func shown() {
        let error = #expect(throws: RegionListError.self) { try list([("\u{1B}[2J" + String(repeating: "x", count: 500), "a")]) }
        #expect(error?.message == "has '?[2J\(String(repeating: "x", count: 46))', which is not a network")
    }

    @Test("Prefixes count once, and one that has lost more than half may not replace another")
    func replacement() throws {
        let networks = (0..<10).map { ("10.0.\($0).0/24", "us-east-1") }
        let old = try list(networks + networks)
        #expect(old.prefixes == 10)
        #expect(try list(Array(networks.prefix(5))).canReplace(old))
        #expect(try list(Array(networks.prefix(4))).canReplace(old) == false)
    }

    @Test("Another list of one cloud leaves the others' as they are")
    func replacing() throws {
        let (aws, google) = (try list([("192.0.2.0/24", "us-east-1")]), try list([("198.51.100.0/24", "us-east1")], cloud: .google))
        let newer = try list([("192.0.2.0/24", "us-west-2")])
        let table = CloudRegionTable([aws, google]).replacing(with: newer)
        #expect(table.lists == [newer, google])
        #expect(try region(table, "192.0.2.1") == "aws/us-west-2")
        #expect(try region(table, "198.51.100.1") == "google/us-east1")
        #expect(CloudRegionTable([google]).replacing(with: newer).lists == [google, newer])
    }

    @Test(
        "A region is written as cloud/region",
        arguments: [
            ("aws/us-west-2", true), ("google/europe-west4", true), ("azure/francecentral", true), ("s3/us-west-2", false), ("aws", false),
            ("aws/", false), ("aws/us/west", false), ("AWS/us-west-2", false), ("aws/Us", false), ("aws/-a", false), ("", false),
        ])
    func names(text: String, isRegion: Bool) {
        #expect(CloudRegion(text)?.description == (isRegion ? text : nil))
    }
}
