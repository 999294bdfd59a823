import MirrorCore

/// The regions of clients, for logs that contain only addresses.
final class LogRegions {
    private let networks: [IPNetwork]
    /// One for each network, then one for all other addresses.
    private let regions: LogRegionNames

    /// - Parameters:
    ///   - networks: The first one that contains an address counts.
    ///   - fallback: For all other addresses; empty for a region without a name.
    init(_ networks: [(network: IPNetwork, region: String)] = [], fallback: String = "") {
        self.networks = networks.map(\.network.unmapped)
        regions = LogRegionNames((networks.map(\.region) + [fallback]).map { Array($0.utf8) })
    }

    func region(of address: LogBytes) -> LogBytes {
        // A server that listens on `[::]` writes IPv4 addresses as IPv6.
        guard !networks.isEmpty, let address = IPAddress(text: address)?.unmapped else { return regions.names[networks.count] }
        return regions.names[networks.firstIndex { $0.contains(address) } ?? networks.count]
    }
}
