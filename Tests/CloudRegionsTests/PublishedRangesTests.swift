import MirrorCore
import Testing

@testable import CloudRegions

@Suite("The files that the clouds publish")
struct PublishedRangesTests {
    private static let date = Timestamp(milliseconds: 1_793_000_000_000)

    private static let aws = """
        {
          "syncToken": "1792977064", "createDate": "2026-10-26-00-00-00",
          "prefixes": [
            {"ip_prefix": "192.0.2.0/24", "region": "us-west-2", "service": "AMAZON", "network_border_group": "us-west-2"},
            {"ip_prefix": "192.0.2.0/24", "region": "us-west-2", "service": "EC2", "network_border_group": "us-west-2-lax-1"},
            {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"}
          ],
          "ipv6_prefixes": [
            {"ipv6_prefix": "2001:db8::/32", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"}
          ]
        }
        """
    private static let google = """
        {
          "syncToken": "1792977064", "creationTime": "2026-10-26T00:00:00.000000",
          "prefixes": [
            {"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud", "scope": "us-west1"},
            {"ipv6Prefix": "2001:db8::/44", "service": "Google Cloud", "scope": "europe-west4"},
            {"ipv4Prefix": "198.51.100.0/24", "service": "Google Cloud", "scope": "global"}
          ]
        }
        """
    private static let azure = """
        {
          "changeNumber": 300, "cloud": "Public",
          "values": [
            {"name": "ActionGroup", "id": "ActionGroup", "properties": {"changeNumber": 1, "region": "", "regionId": 0, "platform": "Azure",
             "systemService": "ActionGroup", "addressPrefixes": ["203.0.113.0/24"], "networkFeatures": null}},
            {"name": "AzureCloud", "id": "AzureCloud", "properties": {"region": "", "addressPrefixes": ["203.0.113.0/24"]}},
            {"name": "AzureCloud.westeurope", "id": "AzureCloud.westeurope", "properties": {"changeNumber": 2, "region": "westeurope",
             "regionId": 18, "platform": "Azure", "systemService": "", "addressPrefixes": ["192.0.2.0/25", "2001:db8::/48"]}},
            {"name": "AzureCloud.centralfrance", "id": "AzureCloud.centralfrance", "properties": {"region": "centralfrance",
             "addressPrefixes": ["192.0.2.128/25"]}},
            {"name": "Storage.WestEurope", "id": "Storage.WestEurope", "properties": {"region": "westeurope",
             "addressPrefixes": ["198.51.100.0/24"]}}
          ]
        }
        """

    private static func text(of cloud: Cloud) -> String {
        switch cloud {
        case .aws: aws
        case .google: google
        case .azure: azure
        }
    }

    private func read(_ text: String, _ cloud: Cloud) throws(RegionListError) -> RegionList {
        try PublishedRanges.read(Array(text.utf8), of: cloud, date: Self.date)
    }

    private func regions(_ list: RegionList, _ addresses: [String]) throws -> [String?] {
        let table = CloudRegionTable([list])
        return try addresses.map { table.region(of: try #require(IPAddress($0)))?.description }
    }

    @Test("AWS: of every region's addresses the region is known, and of the others nothing")
    func aws() throws {
        let list = try read(Self.aws, .aws)
        #expect(list.prefixes == 2)
        #expect(list.date == Self.date)
        #expect(
            try regions(list, ["192.0.2.1", "198.51.100.1", "2001:db8::1", "203.0.113.1"])
                == ["aws/us-west-2", nil, "aws/eu-west-1", nil])
    }

    @Test("Google: a scope is a region, but for the global one")
    func google() throws {
        let list = try read(Self.google, .google)
        #expect(list.prefixes == 2)
        #expect(
            try regions(list, ["192.0.2.1", "198.51.100.1", "2001:db8::1"]) == ["google/us-west1", nil, "google/europe-west4"])
    }

    @Test("Azure: the tags of whole regions count, and the regions have the names that everything else in Azure has for them")
    func azure() throws {
        let list = try read(Self.azure, .azure)
        #expect(list.prefixes == 3)
        #expect(
            try regions(list, ["192.0.2.1", "192.0.2.129", "198.51.100.1", "203.0.113.1", "2001:db8::1"])
                == ["azure/westeurope", "azure/francecentral", nil, nil, "azure/westeurope"])
    }

    @Test("A file that is cut off anywhere is refused", arguments: Cloud.allCases)
    func truncated(cloud: Cloud) {
        let bytes = Array(Self.text(of: cloud).utf8)
        for length in 0..<bytes.count {
            #expect(throws: RegionListError.self, "\(length)") {
                try PublishedRanges.read(Array(bytes[..<length]), of: cloud, date: Self.date)
            }
        }
    }

    @Test("The file of one cloud is not that of another", arguments: Cloud.allCases, Cloud.allCases)
    func others(file: Cloud, cloud: Cloud) {
        guard file == cloud else {
            #expect(throws: RegionListError.self) { try read(Self.text(of: file), cloud) }
            return
        }
        #expect(throws: Never.self) { try read(Self.text(of: file), cloud) }
    }

    @Test(
        "What is not such a file is refused",
        arguments: [
            "", "null", "[]", "{}", #"{"prefixes": [], "ipv6_prefixes": []}"#, #"{"prefixes": null, "ipv6_prefixes": []}"#,
            #"{"prefixes": [{"ip_prefix": "192.0.2.0/24"}], "ipv6_prefixes": []}"#,
            #"{"prefixes": [{"ip_prefix": 1, "region": "us-east-1"}], "ipv6_prefixes": []}"#,
            #"{"prefixes": [{"ip_prefix": "0.0.0.0/0", "region": "us-east-1"}], "ipv6_prefixes": []}"#,
            #"{"prefixes": [{"ip_prefix": "192.0.2.0/24", "region": "us-east-1\n"}], "ipv6_prefixes": []}"#, "<html></html>",
            String(repeating: "[", count: 100_000),
        ])
    func garbage(text: String) {
        for cloud in Cloud.allCases { #expect(throws: RegionListError.self) { try read(text, cloud) } }
    }

    @Test("A file that is too large is refused before it is read")
    func large() {
        let bytes = Array(Self.aws.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: PublishedRanges.maxLength)
        #expect(throws: RegionListError.self) { try PublishedRanges.read(bytes, of: .aws, date: Self.date) }
    }
}
