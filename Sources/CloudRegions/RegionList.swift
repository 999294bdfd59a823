package import MirrorCore

/// The addresses of one cloud and the region that each is used in, as the cloud publishes it.
package struct RegionList: Sendable, Equatable {
    /// Prefixes of one list. The longest list has some 35,000.
    static let maxPrefixes = 200_000
    /// Regions of one list. The longest list has some 80.
    static let maxRegions = 1_000
    /// A shorter prefix is a mistake: no cloud has so many addresses in one region.
    private static let shortestIPv4 = 8
    private static let shortestIPv6 = 20

    package let cloud: Cloud
    /// When it was known to be right.
    package let date: Timestamp
    /// How many different prefixes it names a region for.
    package let prefixes: Int
    /// Their numbers in the tables begin with 1.
    let regions: [CloudRegion]
    let ipv4: RangeTable<UInt32>
    /// By the first 64 bits, which are the network of a client.
    let ipv6: RangeTable<UInt64>
}

extension RegionList {
    /// - Parameter entries: Networks in CIDR notation, and the name of the region of each.
    /// - Throws: ``RegionListError`` where any of them is not what a cloud would publish.
    package init(_ cloud: Cloud, date: Timestamp, entries: [(network: String, region: String)]) throws(RegionListError) {
        guard entries.count <= Self.maxPrefixes else { throw RegionListError("has more than \(Self.maxPrefixes) prefixes") }
        var numbers: [String: UInt16] = [:]
        var regions: [CloudRegion] = []
        var known: Set<IPNetwork> = []
        var ipv4: [RangeTable<UInt32>.Prefix] = []
        var ipv6: [RangeTable<UInt64>.Prefix] = []
        for (text, name) in entries {
            guard let network = IPNetwork(text)?.unmapped else {
                throw RegionListError("has '\(Self.shown(text))', which is not a network")
            }
            // Within the network of a client there is nothing to choose.
            guard !network.address.isIPv6 || network.prefixLength <= 64 else { continue }
            guard network.prefixLength >= (network.address.isIPv6 ? Self.shortestIPv6 : Self.shortestIPv4) else {
                throw RegionListError("gives one region all of \(network)")
            }
            let number: UInt16
            if let own = numbers[name] {
                number = own
            } else {
                guard let region = CloudRegion(cloud, name) else {
                    throw RegionListError("has '\(Self.shown(name))', which is not the name of a region")
                }
                guard regions.count < Self.maxRegions else { throw RegionListError("has more than \(Self.maxRegions) regions") }
                regions.append(region)
                number = UInt16(regions.count)
                numbers[name] = number
            }
            known.insert(network)
            if let address = network.address.ipv4 {
                ipv4.append(.init(start: address, length: network.prefixLength, number: number))
            } else if let address = network.address.ipv6Network {
                ipv6.append(.init(start: address, length: network.prefixLength, number: number))
            }
        }
        guard !known.isEmpty else { throw RegionListError("has no region for any address") }
        self.init(
            cloud: cloud, date: date, prefixes: known.count, regions: regions, ipv4: RangeTable(ipv4), ipv6: RangeTable(ipv6))
    }

    /// Whether this one may take the place of another: one that has lost more than half was cut off, or is of something else.
    package func canReplace(_ old: RegionList) -> Bool {
        prefixes * 2 >= old.prefixes
    }

    private static func shown(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(50).map { (0x20...0x7E).contains($0.value) ? $0 : "?" }))
    }
}
