package import MirrorCore

/// Reads the files in which the clouds publish their addresses.
///
/// - SeeAlso: AWS, "AWS IP address ranges" (`ip-ranges.json`); Google, "Obtain Google IP address ranges" (`cloud.json`); Microsoft, "Azure IP Ranges
///   and Service Tags – Public Cloud" (`ServiceTags_Public_….json`).
package enum PublishedRanges {
    /// Bytes of a file. The largest has some 10 MB.
    package static let maxLength = 32 << 20

    /// - Parameter date: When the file was published, or fetched.
    /// - Throws: ``RegionListError`` for anything but a whole file of that cloud.
    package static func read(_ bytes: [UInt8], of cloud: Cloud, date: Timestamp) throws(RegionListError) -> RegionList {
        guard bytes.count <= maxLength else { throw RegionListError("is larger than \(maxLength) bytes") }
        let entries =
            switch cloud {
            case .aws: try (decode(bytes, of: cloud) as AWSRanges).entries
            case .google: try (decode(bytes, of: cloud) as GoogleRanges).entries
            case .azure: try (decode(bytes, of: cloud) as AzureServiceTags).entries
            }
        return try RegionList(cloud, date: date, entries: entries)
    }

    private static func decode<Document: Decodable>(_ bytes: [UInt8], of cloud: Cloud) throws(RegionListError) -> Document {
        do {
            return try ForeignJSON.decode(from: bytes, maxValues: .max)
        } catch {
            throw RegionListError("is not the JSON that \(cloud.title) publishes, or not all of it")
        }
    }
}

/// The parts of `ip-ranges.json` that are read.
private struct AWSRanges: Decodable {
    struct IPv4: Decodable {
        let prefix: String
        let region: String

        enum CodingKeys: String, CodingKey {
            case prefix = "ip_prefix"
            case region
        }
    }

    struct IPv6: Decodable {
        let prefix: String
        let region: String

        enum CodingKeys: String, CodingKey {
            case prefix = "ipv6_prefix"
            case region
        }
    }

    let ipv4: [IPv4]
    let ipv6: [IPv6]

    enum CodingKeys: String, CodingKey {
        case ipv4 = "prefixes"
        case ipv6 = "ipv6_prefixes"
    }

    /// Without what is of no region.
    var entries: [(network: String, region: String)] {
        (ipv4.map { (network: $0.prefix, region: $0.region) } + ipv6.map { (network: $0.prefix, region: $0.region) })
            .filter { $0.region != "GLOBAL" }
    }
}

/// The parts of `cloud.json` that are read.
private struct GoogleRanges: Decodable {
    struct Prefix: Decodable {
        let network: String
        let scope: String

        enum CodingKeys: String, CodingKey {
            case ipv4Prefix, ipv6Prefix, scope
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            network =
                try container.decodeIfPresent(String.self, forKey: .ipv4Prefix) ?? container.decode(String.self, forKey: .ipv6Prefix)
            scope = try container.decode(String.self, forKey: .scope)
        }
    }

    let prefixes: [Prefix]

    /// Without what is of no region.
    var entries: [(network: String, region: String)] {
        prefixes.filter { $0.scope != "global" }.map { (network: $0.network, region: $0.scope) }
    }
}

/// The parts of `ServiceTags_Public_….json` that are read: the tags of whole regions, and none of the thousands of others.
private struct AzureServiceTags: Decodable {
    struct Tag: Decodable {
        let region: String?
        let prefixes: [String]

        enum CodingKeys: String, CodingKey {
            case name, properties
        }

        enum PropertyKeys: String, CodingKey {
            case region, addressPrefixes
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let name = try container.decode(String.self, forKey: .name)
            let properties = try container.nestedContainer(keyedBy: PropertyKeys.self, forKey: .properties)
            let region = try properties.decode(String.self, forKey: .region)
            guard name.hasPrefix("AzureCloud."), !region.isEmpty else {
                (self.region, prefixes) = (nil, [])
                return
            }
            self.region = region
            prefixes = try properties.decode([String].self, forKey: .addressPrefixes)
        }
    }

    let values: [Tag]

    var entries: [(network: String, region: String)] {
        values.flatMap { tag in
            tag.region.map { region in
                let name = Self.names[region] ?? region
                return tag.prefixes.map { (network: $0, region: name) }
            } ?? []
        }
    }

    /// Regions that service tags call otherwise than everything else in Azure does.
    private static let names = [
        "brazilne": "brazilnortheast", "brazilse": "brazilsoutheast", "centralfrance": "francecentral", "chilec": "chilecentral",
        "germanyn": "germanynorth", "germanywc": "germanywestcentral", "norwaye": "norwayeast", "norwayw": "norwaywest",
        "southfrance": "francesouth", "switzerlandn": "switzerlandnorth", "switzerlandw": "switzerlandwest",
    ]
}
