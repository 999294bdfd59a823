import MirrorCore
import MirrorEngine
import MirrorStorage
import Retention
import Testing

@testable import CloudMirror
@testable import MirrorNode

@Suite("Checks of prices")
struct PriceCheckTests {
    private func make(_ policy: RetentionConfiguration.Policy) -> Configuration {
        var configuration = Configuration(services: .standard, stateDirectory: "/var/lib/cloud-mirror")
        configuration.pools[0].retention.policy = policy
        configuration.retention.prices = PriceTable.empty
        return configuration
    }

    @Test("Prices that are older than a year, and pools that have none, are found where a pool goes by cost")
    func finds() throws {
        let now = Timestamp(milliseconds: 366 * 86_400_000)
        let findings = PriceCheck(make(.cost)).findings(at: now)
        #expect(findings.map(\.key) == ["retention.prices", "pools.local/dev.retention.price"])
        #expect(findings.allSatisfy { $0.severity == .warning })
        #expect(PriceCheck(make(.ttl)).findings(at: now).isEmpty)
    }

    @Test("The day of the prices is told, with where they are from and where origins are taken to be")
    func day() throws {
        let now = Timestamp(milliseconds: 0)
        var configuration = make(.cost)
        let price = PriceTable.Override(egress: 0.05, storage: 0.01, put: 0, get: 0)
        configuration.pools[0].retention.price = price
        #expect(
            PriceCheck(configuration).lines(at: now).map(\.text) == [
                "list prices of 1970-01-01 (retention.prices), for origins on the internet (retention.origin)"
            ])
        configuration.retention.prices = nil
        configuration.retention.origin = PoolID("s3/us-east-1")
        let day = try #require(PriceTable.builtIn).asOf.day
        #expect(
            PriceCheck(configuration).lines(at: now).map(\.text) == [
                "list prices of \(day) (built in), for origins in s3/us-east-1 (retention.origin)"
            ])
        configuration.pools[0].retention.price = PriceTable.Override(egress: 0.05)
        configuration.retention.prices = PriceTable.empty
        #expect(PriceCheck(configuration).lines(at: now).count == 2)
        #expect(PriceCheck(make(.ttl)).lines(at: now).isEmpty)
    }

    @Test("A pool and an origin in regions that the table does not name have the prices of others, which is said")
    func unnamed() throws {
        let table = """
            {"asOf": "2026-01-31", "rows": [
              {"service": "local", "fromRegion": "*", "toRegion": "*", "egress": 0.09},
              {"service": "local", "region": "*", "storage": 0.02, "put": 0, "get": 0},
              {"service": "local", "region": "elsewhere", "storage": 0.03, "put": 0, "get": 0}
            ]}
            """
        let now = Timestamp(milliseconds: 1_769_860_800_000)
        var configuration = make(.cost)
        configuration.retention.prices = try PriceTable(json: Array(table.utf8))
        #expect(PriceCheck(configuration).findings(at: now).map(\.key) == ["pools.local/dev.retention.price"])
        configuration.pools[0].retention.price = PriceTable.Override(egress: 0.05, storage: 0.01, put: 0, get: 0)
        #expect(PriceCheck(configuration).findings(at: now).isEmpty)
        configuration.retention.origin = PoolID("local/elsewhere")
        #expect(PriceCheck(configuration).findings(at: now).isEmpty)
        configuration.retention.origin = PoolID("local/nowhere")
        #expect(PriceCheck(configuration).findings(at: now).map(\.key) == ["retention.origin"])
        configuration.retention.origin = nil
        let byTime = RetentionConfiguration(policy: .ttl)
        configuration.pools.append(Configuration.Pool(id: try #require(PoolID("local/other")), directory: "/other", retention: byTime))
        #expect(PriceCheck(configuration).findings(at: now).isEmpty)
    }

    @Test("A pool's own prices are enough")
    func own() throws {
        var configuration = make(.cost)
        configuration.pools[0].retention.price = PriceTable.Override(egress: 0.05, storage: 0.01, put: 0, get: 0)
        #expect(PriceCheck(configuration).findings(at: Timestamp(milliseconds: 0)).isEmpty)
        #expect(configuration.prices(of: configuration.pools[0])?.egress == 0.05)
    }

    @Test("Rules of buckets leave replicas as long as the policy can keep them: four times the break-even life")
    func longest() {
        func days(_ configuration: Configuration) -> Double {
            (configuration.longestLife(in: configuration.pools[0]) / .seconds(86_400) * 1_000).rounded() / 1_000
        }
        #expect(days(make(.ttl)) == 1)
        // Without prices a copy costs as much as keeping it for 26 days.
        #expect(days(make(.cost)) == 104)
        var configuration = make(.cost)
        // A gibibyte's egress costs as much as keeping it for two months of 730 hours.
        configuration.pools[0].retention.price = PriceTable.Override(egress: 0.02, storage: 0.01, put: 0, get: 0)
        #expect(days(configuration) == 243.333)
        configuration.pools[0].retention.price = PriceTable.Override(egress: 0.02, storage: 0, put: 0, get: 0)
        #expect(days(configuration) == 3_650)
    }
}
