package import MirrorCore

/// List prices of services and regions, and of the traffic between regions.
///
/// Where several rows fit, the one counts that names the most; of equal ones the first.
package struct PriceTable: Sendable, Equatable {
    /// Matches any service or region.
    static let any = "*"
    /// Where an origin is that is in no region of a service.
    package static let internet = "internet"

    /// Traffic from a region to another.
    package struct Traffic: Sendable, Equatable {
        package var service: String
        package var fromRegion: String
        package var toRegion: String
        /// Dollars per GiB.
        package var egress: Double
    }

    /// What is kept in a region, and requests there.
    package struct Storage: Sendable, Equatable {
        package var service: String
        package var region: String
        /// Dollars per GiB and month.
        package var storage: Double
        /// Dollars per request.
        package var put: Double
        package var get: Double
    }

    /// For pools that state all prices themselves.
    package static let empty = PriceTable(asOf: Timestamp(milliseconds: 0), traffic: [], storage: [])

    /// The day on which the prices were read.
    package var asOf: Timestamp
    package var traffic: [Traffic]
    package var storage: [Storage]

    /// Prices of a pool, of which some may be known better than the table has them.
    package struct Override: Sendable, Equatable {
        package var egress: Double?
        package var storage: Double?
        package var put: Double?
        package var get: Double?

        package init(egress: Double? = nil, storage: Double? = nil, put: Double? = nil, get: Double? = nil) {
            self.egress = egress
            self.storage = storage
            self.put = put
            self.get = get
        }

        /// Whether nothing is left for the table to say.
        package var isWhole: Bool { egress != nil && storage != nil && put != nil && get != nil }
    }

    /// - Parameters:
    ///   - origin: The origin's service and region; `nil` for one that is somewhere else.
    ///   - part: Bytes of a part of an upload.
    /// - Returns: `nil` where a price is in neither the table nor the override.
    package func prices(
        service: String, region: String, origin: (service: String, region: String)?, part: Int64 = PoolPrices.defaultPart,
        override: Override = Override()
    ) -> PoolPrices? {
        let here = storage(service, region)
        guard let egress = override.egress ?? egress(from: origin, to: (service, region)), let storage = override.storage ?? here?.storage,
            let put = override.put ?? here?.put, let get = override.get ?? here?.get
        else { return nil }
        let originGet = origin.flatMap { self.storage($0.service, $0.region)?.get } ?? 0
        return PoolPrices(egress: egress, storage: storage, put: put, get: get, originGet: originGet, part: part)
    }

    /// Dollars per GiB of traffic to a region.
    ///
    /// - Parameter origin: Where it comes from; `nil` for somewhere else.
    /// - Returns: `nil` where the table does not say.
    package func egress(from origin: (service: String, region: String)?, to place: (service: String, region: String)) -> Double? {
        egress(place.service, from: origin.flatMap { $0.service == place.service ? $0.region : nil } ?? Self.internet, to: place.region)
    }

    /// Whether the table says what requests and storage cost in a region.
    package func isKnown(_ service: String, _ region: String) -> Bool { storage(service, region) != nil }

    /// Whether the table names regions of the service, and not this one: then it has the prices of the row for all others, or none.
    package func isUnnamed(_ service: String, _ region: String) -> Bool {
        let named = storage.filter { $0.service == service && $0.region != Self.any }
        return !named.isEmpty && !named.contains { $0.region == region }
    }

    private func egress(_ service: String, from: String, to: String) -> Double? {
        let rows = traffic.filter { Self.fits($0.service, service) && Self.fits($0.fromRegion, from) && Self.fits($0.toRegion, to) }
        let best = Self.mostExact(rows) { [$0.service, $0.fromRegion, $0.toRegion] }
        // Within a region traffic is free, unless a row says otherwise of just this region.
        if from == to, best?.fromRegion != from || best?.toRegion != to { return 0 }
        return best?.egress
    }

    private func storage(_ service: String, _ region: String) -> Storage? {
        let rows = storage.filter { Self.fits($0.service, service) && Self.fits($0.region, region) }
        return Self.mostExact(rows) { [$0.service, $0.region] }
    }

    private static func fits(_ pattern: String, _ name: String) -> Bool { pattern == any || pattern == name }

    private static func mostExact<Row>(_ rows: [Row], _ names: (Row) -> [String]) -> Row? {
        var best: (row: Row, exact: Int)?
        for row in rows {
            let exact = names(row).count { $0 != any }
            if exact > best?.exact ?? -1 { best = (row, exact) }
        }
        return best?.row
    }
}
