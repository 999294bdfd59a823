import MirrorCore
import Testing

@testable import Retention

@Suite("Prices")
struct PriceTests {
    private static let file = """
        {"asOf": "2026-01-31", "rows": [
          {"service": "*", "fromRegion": "*", "toRegion": "*", "egress": 0.09},
          {"service": "s3", "fromRegion": "*", "toRegion": "*", "egress": 0.02},
          {"service": "s3", "fromRegion": "sa-east-1", "toRegion": "*", "egress": 0.138},
          {"service": "s3", "fromRegion": "us-east-1", "toRegion": "us-east-2", "egress": 0.01},
          {"service": "*", "region": "*", "storage": 0.03, "put": 6e-6, "get": 6e-7},
          {"service": "s3", "region": "eu-central-1", "storage": 0.0245, "put": 5.4e-6, "get": 4.3e-7}
        ]}
        """

    private static func table() throws -> PriceTable { try PriceTable(json: Array(file.utf8)) }

    @Test("the row counts that names the most")
    func mostExact() throws {
        let table = try Self.table()
        func egress(_ from: String, _ to: String) -> Double? { table.prices(service: "s3", region: to, origin: ("s3", from))?.egress }
        #expect(egress("us-east-1", "us-east-2") == 0.01)
        #expect(egress("us-east-1", "us-west-2") == 0.02)
        #expect(egress("sa-east-1", "us-east-2") == 0.138)
        #expect(table.prices(service: "s3", region: "eu-central-1", origin: nil)?.storage == 0.0245)
        #expect(table.prices(service: "s3", region: "eu-west-1", origin: nil)?.storage == 0.03)
        #expect(table.asOf.iso8601 == "2026-01-31T00:00:00.000Z")
    }

    @Test("an origin in another service is on the internet, and one in the same region costs no traffic")
    func origins() throws {
        let table = try Self.table()
        #expect(table.prices(service: "gcs", region: "us-east1", origin: ("s3", "us-east-1"))?.egress == 0.09)
        #expect(table.prices(service: "s3", region: "us-east-1", origin: ("s3", "us-east-1"))?.egress == 0)
        #expect(table.prices(service: "s3", region: "eu-west-1", origin: ("s3", "eu-central-1"))?.originGet == 4.3e-7)
        #expect(table.prices(service: "s3", region: "eu-west-1", origin: nil)?.originGet == 0)
    }

    @Test("a region that the table does not name is told from one that needs no name")
    func unnamed() throws {
        let table = try #require(PriceTable.builtIn)
        #expect(table.isUnnamed("s3", "us-wset-2"))
        #expect(!table.isUnnamed("s3", "us-west-2"))
        // All regions have the same prices.
        #expect(!table.isUnnamed("r2", "auto"))
        #expect(!table.isUnnamed("local", "dev"))
    }

    @Test("a pool's own prices come before the table's, and are enough without it")
    func overrides() throws {
        let own = PriceTable.Override(egress: 1, storage: 2, put: 3, get: 4)
        let prices = try #require(try Self.table().prices(service: "s3", region: "x", origin: nil, override: own))
        #expect([prices.egress, prices.storage, prices.put, prices.get] == [1, 2, 3, 4])
        let empty = PriceTable(asOf: Timestamp(milliseconds: 0), traffic: [], storage: [])
        #expect(empty.prices(service: "s3", region: "x", origin: nil, override: own) == prices)
        #expect(empty.prices(service: "s3", region: "x", origin: nil, override: .init(egress: 1, storage: 2, put: 3)) == nil)
    }

    @Test(
        "a file with a row that means nothing is refused",
        arguments: [
            #"{"service": "s3", "fromRegion": "a", "egress": 1}"#, #"{"service": "s3", "fromRegion": "a", "toRegion": "b", "egress": -1}"#,
            #"{"service": "s3", "region": "a", "storage": 1, "put": 1, "get": 1e9}"#,
            #"{"service": "s3", "region": "a", "storage": 1, "put": 1, "get": 1, "egress": 1}"#, #"{"region": "a"}"#, "[]",
        ])
    func refused(_ row: String) {
        #expect(throws: PriceFileError.self) { try PriceTable(json: Array(#"{"asOf": "2026-01-31", "rows": [\#(row)]}"#.utf8)) }
    }

    @Test("a date that is none is refused")
    func date() {
        #expect(throws: PriceFileError.self) { try PriceTable(json: Array(#"{"asOf": "31.1.2026", "rows": []}"#.utf8)) }
    }

    @Test("the built-in prices are those of the services' lists, for the largest regions")
    func builtIn() throws {
        let table = try #require(PriceTable.builtIn)
        let prices = try #require(table.prices(service: "s3", region: "us-west-2", origin: ("s3", "us-east-1")))
        #expect(prices == PoolPrices(egress: 0.02, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7))
        #expect(table.prices(service: "gcs", region: "europe-west1", origin: ("gcs", "us-central1"))?.storage == 0.02)
        #expect(table.prices(service: "azure", region: "westeurope", origin: ("azure", "eastus"))?.egress == 0.05)
        #expect(table.prices(service: "r2", region: "auto", origin: nil)?.storage == 0.015)
        #expect(table.prices(service: "local", region: "dev", origin: nil)?.storage == 0)
        #expect(table.prices(service: "elsewhere", region: "x", origin: nil) == nil)
    }

    @Test("a copy in parts pays for each part, and for beginning and ending")
    func parts() {
        let prices = PoolPrices(egress: 1, storage: 730, put: 0.1, get: 0.01, originGet: 0.02, part: 1 << 30)
        let costs = prices.costs(of: 1.5 * Double(1 << 30))
        #expect(abs(costs.copy - 1.95) < 1e-12)
        #expect(abs(costs.redirect - 1.52) < 1e-12)
        #expect(abs(costs.breakEven - 4_656) < 1e-9)
        #expect(prices.costs(of: Double(1 << 30)).copyWrites == 0.1)
        #expect(prices.costs(of: 0).copyWrites == 0.1)
    }

    @Test("where storage costs nothing, nothing ends by itself")
    func freeStorage() {
        let prices = PoolPrices(egress: 1, storage: 0, put: 0, get: 0, originGet: 0)
        let costs = prices.costs(of: 1e9)
        #expect(costs.breakEven == .infinity)
        #expect(costs.keeping(.infinity) == 0)
        #expect(costs.floor == 900)
        #expect(prices.renewalInterval == .infinity)
    }
}
