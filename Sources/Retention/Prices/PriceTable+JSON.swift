import MirrorCore

/// Why a price file is not used.
package struct PriceFileError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension PriceTable {
    /// A file has a few rows for each region of a few services.
    package static let maxBytes = 1 << 20

    private struct Document: Decodable {
        let asOf: String
        let rows: [Row]
    }

    private struct Row: Decodable {
        let service: String
        let fromRegion: String?
        let toRegion: String?
        let egress: Double?
        let region: String?
        let storage: Double?
        let put: Double?
        let get: Double?
    }

    /// Those that this program comes with: `prices.json`, which also says which of them were compared with what.
    package static let builtIn = try? PriceTable(json: EmbeddedFile.prices.bytes)

    /// Reads a price file: an object with `asOf`, a day as `2026-01-31`, and `rows`, each either `{service, fromRegion, toRegion, egress}` or
    /// `{service, region, storage, put, get}`.
    package init(json bytes: [UInt8]) throws(PriceFileError) {
        guard bytes.count <= Self.maxBytes else { throw PriceFileError("is longer than \(Self.maxBytes) bytes") }
        let document: Document
        do {
            document = try ForeignJSON.decode(Document.self, from: bytes)
        } catch {
            throw PriceFileError("is not a price file: an object with asOf and rows")
        }
        guard let day = Timestamp(rfc3339: "\(document.asOf)T00:00:00Z") else {
            throw PriceFileError("has no date such as 2026-01-31 in asOf")
        }
        self.init(asOf: day, traffic: [], storage: [])
        for (number, row) in document.rows.enumerated() {
            switch (row.fromRegion, row.toRegion, row.egress, row.region, row.storage, row.put, row.get) {
            case (let from?, let to?, let egress?, nil, nil, nil, nil) where Self.isPrice(egress):
                traffic.append(Traffic(service: row.service, fromRegion: from, toRegion: to, egress: egress))
            case (nil, nil, nil, let region?, let storage?, let put?, let get?) where [storage, put, get].allSatisfy(Self.isPrice):
                self.storage.append(Storage(service: row.service, region: region, storage: storage, put: put, get: get))
            default:
                throw PriceFileError(
                    "has a row (number \(number + 1)) that is neither {service, fromRegion, toRegion, egress} nor {service, region, storage, put, get} "
                        + "with prices of 0 or more")
            }
        }
    }

    /// Dollars: nothing costs a million for a GiB or a request.
    static func isPrice(_ dollars: Double) -> Bool { dollars >= 0 && dollars < 1e6 }
}
