import MirrorCore
import Retention

/// The prices of pools, by the region names in the log.
enum PlanPrices {
    case table(PriceTable, origin: (service: String, region: String)?, service: String)
    case set(PriceSet)

    /// - Parameter bytes: A price file, or a set of prices by region.
    init(json bytes: [UInt8], origin: (service: String, region: String)?, service: String) throws(PriceFileError) {
        if let set = PriceSet(json: bytes) {
            self = .set(set)
        } else {
            self = .table(try PriceTable(json: bytes), origin: origin, service: service)
        }
    }

    /// - Parameter region: `service/region`, or a region alone.
    func prices(of region: String) -> PoolPrices? {
        switch self {
        case .set(let set): return set.prices(region: region)
        case .table(let table, let origin, let service):
            let pool = PoolID(region)
            return table.prices(service: pool?.service ?? service, region: pool?.region ?? region, origin: origin)
        }
    }

    /// Whether the price table names other regions, and not this one.
    func isUnnamed(_ region: String) -> Bool {
        guard case .table(let table, _, let service) = self else { return false }
        let pool = PoolID(region)
        return table.isUnnamed(pool?.service ?? service, pool?.region ?? region)
    }

    /// The origin's region, if the price table names others and not this one.
    var unnamedOrigin: String? {
        guard case .table(let table, let origin?, _) = self, table.isUnnamed(origin.service, origin.region) else { return nil }
        return origin.region
    }

    /// The prices of a single pool that charges nothing for reads, as an alternative to one pool in each region.
    func candidate(_ service: String) -> PoolPrices? {
        guard case .table(let table, _, _) = self else { return nil }
        return table.prices(service: service, region: "*", origin: nil)
    }

    var asOf: Timestamp? {
        if case .table(let table, _, _) = self { return table.asOf }
        return nil
    }
}
