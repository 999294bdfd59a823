import MirrorCore
import Testing

@testable import CloudRegions

@Suite("The lists that the program comes with")
struct RegionSnapshotTests {
    private func lists() throws -> [RegionList] {
        let date = Timestamp(milliseconds: 1_793_000_000_000)
        return [
            try RegionList(.aws, date: date, entries: [("192.0.2.0/24", "us-west-2"), ("2001:db8::/32", "eu-west-1")]),
            try RegionList(.azure, date: date, entries: [("198.51.100.0/24", "westeurope"), ("255.255.255.0/24", "westus2")]),
        ]
    }

    @Test("What is written is read as it was")
    func roundTrip() throws {
        let lists = try lists()
        #expect(try RegionSnapshot.read(RegionSnapshot.write(lists)) == lists)
        #expect(try RegionSnapshot.read(RegionSnapshot.write([])) == [])
        let bundled = RegionSnapshot.bundled
        #expect(try RegionSnapshot.read(RegionSnapshot.write(bundled)) == bundled)
        #expect(RegionSnapshot.write(bundled) == EmbeddedFile.cloudRegions.bytes)
    }

    @Test("What is cut off, damaged or longer is not read")
    func damaged() throws {
        let bytes = RegionSnapshot.write(try lists())
        for length in 0..<bytes.count { #expect(throws: RegionListError.self) { try RegionSnapshot.read(Array(bytes[..<length])) } }
        #expect(throws: RegionListError.self) { try RegionSnapshot.read(bytes + [0]) }
        let newline = UInt8(ascii: "\n")
        let end = try #require(bytes.indices.dropLast().first { bytes[$0] == newline && bytes[$0 + 1] == newline })
        let text = String(decoding: bytes[..<end], as: UTF8.self)
        let heads = [
            ("cloud-regions 1", "cloud-regions 2"), ("aws", "oracle"), ("azure", "aws"), ("2026", "x"), ("us-west-2", "US-WEST-2"),
            (" 2 us-west-2", " 0 us-west-2"), (" 2 us-west-2", " -1 us-west-2"), (" us-west-2 eu-west-1", ""),
        ]
        for (old, new) in heads {
            try #require(text.contains(old))
            let changed = Array(text.replacing(old, with: new).utf8) + bytes[end...]
            #expect(throws: RegionListError.self, "\(old) \(new)") { try RegionSnapshot.read(changed) }
        }
    }

    @Test("All three clouds are there, with nearly all regions that somebody can be in")
    func contents() {
        let table = CloudRegionTable.bundled
        #expect(table.lists.map(\.cloud) == Cloud.allCases)
        let counts = table.lists.map(\.prefixes)
        #expect(counts[0] > 10_000 && counts[1] > 1_000 && counts[2] > 15_000, "\(counts)")
        for list in table.lists { #expect(list.date.iso8601 == "2026-10-26T00:00:00.000Z") }
        for region in ["aws/us-east-1", "aws/eu-central-1", "google/europe-west4", "azure/westeurope", "azure/francecentral"] {
            #expect(table.regions.contains { $0.description == region }, "\(region)")
        }
        // Regions that are not open yet, and Microsoft's own.
        let unknown = table.regions.filter { RegionLocations.distance(from: $0, to: $0) == nil }
        #expect(unknown.count < table.regions.count / 6, "\(unknown)")
    }

    @Test(
        "Addresses that are published are in their regions",
        arguments: [
            ("3.5.140.1", "aws/ap-northeast-2"), ("18.185.0.1", "aws/eu-central-1"), ("35.180.0.1", "aws/eu-west-3"),
            ("52.94.76.1", "aws/us-west-2"), ("::ffff:52.94.76.1", "aws/us-west-2"), ("2600:1f14::1", "aws/us-west-2"),
            ("2a05:d018::1", "aws/eu-west-1"), ("34.1.208.1", "google/africa-south1"), ("2600:1900:8000::1", "google/africa-south1"),
            ("13.69.0.1", "azure/westeurope"), ("51.103.0.1", "azure/francecentral"), ("2603:1020:200::1", "azure/westeurope"),
            ("10.1.2.3", nil), ("127.0.0.1", nil), ("169.254.169.254", nil), ("192.168.1.1", nil), ("::1", nil), ("fd00::1", nil),
            ("192.0.2.1", nil), ("8.8.8.8", nil),
        ] as [(String, String?)])
    func addresses(address: String, region: String?) throws {
        #expect(CloudRegionTable.bundled.region(of: try #require(IPAddress(address)))?.description == region)
    }
}
