import MirrorCore

/// Prices of regions by name alone, all from one origin: for comparing what is computed here with other programs.
package struct PriceSet: Sendable {
    private struct Document: Decodable {
        let originGet: Double
        let part: Int64
        let regions: [String: Row]?
        let `default`: Row?
    }

    private struct Row: Decodable {
        let egress: Double
        let storage: Double
        let put: Double
        let get: Double
    }

    private let document: Document

    /// Reads `{originGet, part, regions: {NAME: {egress, storage, put, get}}, default: {…}}`, with `regions`, `default` or both.
    ///
    /// - Returns: `nil` for anything else.
    package init?(json bytes: [UInt8]) {
        guard bytes.count <= PriceTable.maxBytes, let document = try? ForeignJSON.decode(Document.self, from: bytes),
            document.regions != nil || document.default != nil, document.part > 0, PriceTable.isPrice(document.originGet)
        else { return nil }
        let rows = (document.regions.map { Array($0.values) } ?? []) + (document.default.map { [$0] } ?? [])
        guard rows.allSatisfy({ [$0.egress, $0.storage, $0.put, $0.get].allSatisfy(PriceTable.isPrice) }) else { return nil }
        self.document = document
    }

    package func prices(region: String) -> PoolPrices? {
        (document.regions?[region] ?? document.default).map {
            PoolPrices(
                egress: $0.egress, storage: $0.storage, put: $0.put, get: $0.get, originGet: document.originGet, part: document.part)
        }
    }
}
