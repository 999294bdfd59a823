package import MirrorCore

/// Finds the cloud and the region that an address is used in, from what the clouds publish.
///
/// Made once for each set of lists. A look-up takes some tens of nanoseconds and no memory.
package final class CloudRegionTable: Sendable {
    /// One for each cloud at most.
    package let lists: [RegionList]
    /// All regions that an address can be in.
    package let regions: [CloudRegion]
    private let ipv4: RangeTable<UInt32>
    private let ipv6: RangeTable<UInt64>

    /// - Parameter lists: Where two have the same address, which no clouds should, the first one's region holds.
    package init(_ lists: [RegionList]) {
        self.lists = lists
        regions = lists.flatMap(\.regions)
        var offset: UInt16 = 0
        var offsets: [UInt16] = []
        for list in lists {
            offsets.append(offset)
            offset += UInt16(list.regions.count)
        }
        ipv4 = RangeTable(merging: zip(lists, offsets).map { (table: $0.ipv4, offset: $1) })
        ipv6 = RangeTable(merging: zip(lists, offsets).map { (table: $0.ipv6, offset: $1) })
    }

    /// The lists that this program comes with.
    package static let bundled = CloudRegionTable(RegionSnapshot.bundled)

    /// Where the region of an address is in ``regions``; an IPv4-mapped address counts as the IPv4 address.
    package func index(of address: IPAddress) -> Int? {
        let address = address.unmapped
        let number: UInt16
        if let ipv4Address = address.ipv4 {
            number = ipv4.number(of: ipv4Address)
        } else if let network = address.ipv6Network {
            number = ipv6.number(of: network)
        } else {
            number = 0
        }
        return number == 0 ? nil : Int(number) - 1
    }

    package func region(of address: IPAddress) -> CloudRegion? {
        index(of: address).map { regions[$0] }
    }

    /// The same with another list of one cloud.
    package func replacing(with list: RegionList) -> CloudRegionTable {
        guard self.list(of: list.cloud) != nil else { return CloudRegionTable(lists + [list]) }
        return CloudRegionTable(lists.map { $0.cloud == list.cloud ? list : $0 })
    }

    package func list(of cloud: Cloud) -> RegionList? { lists.first { $0.cloud == cloud } }
}
