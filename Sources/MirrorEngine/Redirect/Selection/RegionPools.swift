import CloudRegions
import MirrorCore

/// Which pool serves the clients of each cloud region. Computed once for all regions, so that each client costs one lookup.
struct RegionPools: Sendable {
    struct Choice: Sendable, Equatable {
        let pool: PoolID
        let reason: PoolReason
    }

    let table: CloudRegionTable
    /// In the order of the table's regions.
    private let choices: [Choice?]

    /// - Parameter pools: In the order of the file; if two are equally near, the first is chosen.
    init(_ table: CloudRegionTable, pools: [PoolID], _ selection: SelectionConfiguration) {
        self.table = table
        let places = pools.compactMap { pool in
            Cloud.allCases.first { $0.service == pool.service }.flatMap { CloudRegion($0, pool.region) }.map { (region: $0, pool: pool) }
        }
        choices = table.regions.map { region in
            if let pool = selection.regions[region] { return Choice(pool: pool, reason: .region) }
            if let own = places.first(where: { $0.region == region }) { return Choice(pool: own.pool, reason: .region) }
            return Self.nearest(to: region, of: places, selection.nearest).map { Choice(pool: $0, reason: .nearest) }
        }
    }

    /// Whether any client gets its pool by its region.
    var isEmpty: Bool { choices.allSatisfy { $0 == nil } }

    /// - Returns: `nil` if the address is in no region, or no pool serves its region.
    func choice(for address: IPAddress) -> Choice? {
        table.index(of: address).flatMap { choices[$0] }
    }

    private static func nearest(
        to region: CloudRegion, of places: [(region: CloudRegion, pool: PoolID)], _ rule: SelectionConfiguration.Nearest
    ) -> PoolID? {
        let same = places.filter { $0.region.cloud == region.cloud }
        let others = places.filter { $0.region.cloud != region.cloud }
        let groups: [[(region: CloudRegion, pool: PoolID)]] =
            switch rule {
            case .any: [same, others]
            case .sameCloud: [same]
            case .never: []
            }
        for group in groups {
            let known = group.compactMap { place in
                RegionLocations.distance(from: region, to: place.region).map { (distance: $0, pool: place.pool) }
            }
            if let nearest = known.min(by: { $0.distance < $1.distance }) { return nearest.pool }
        }
        return nil
    }
}
