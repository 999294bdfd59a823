import MirrorCore
import Retention

/// A plan as JSON.
struct PlanDocument: Encodable {
    struct Policy: Encodable {
        let total: Double
        let storage: Double
        let egress: Double
        let requests: Double
        let hits: Int
        let copies: Int
        let redirects: Int
        let hitBytes: Double
        /// By clients, hits or not.
        let readBytes: Double

        init(_ ledger: Ledger) {
            total = ledger.total
            storage = ledger.storage
            egress = ledger.egress
            requests = ledger.requests
            hits = ledger.hits
            copies = ledger.copies
            redirects = ledger.redirects
            hitBytes = ledger.hitBytes
            readBytes = ledger.readBytes
        }
    }

    struct Pool: Encodable {
        let policies: [String: Policy]
        let recommended: String?
        let lifeSeconds: Double?
        let breakEvenSeconds: Double?
        let bestFixedSeconds: Double?
        let bestFixedTotal: Double?
        let peakBytesPerSecond: Double
        let peakRequestsPerSecond: Double
    }

    let requests: Int
    let artifacts: Int
    let days: Double
    /// The days that the dollars are for, if not those of the log.
    let shownDays: Double?
    let pricesAsOf: String?
    let unreadableLines: Int
    let outOfOrder: Int
    let peakBytesPerSecond: Double
    let peakRequestsPerSecond: Double
    let policies: [String: Policy]
    let recommended: String?
    let recommendedTotal: Double?
    let savedPerMonth: Double?
    let warnings: [String]
    let pools: [String: Pool]
    let candidates: [String: Policy]

    init(_ result: PlanResult) {
        requests = result.requests
        artifacts = result.artifacts
        days = result.days
        shownDays = result.shownDays
        pricesAsOf = result.pricesAsOf?.day
        unreadableLines = result.lines.unreadable
        outOfOrder = result.outOfOrder
        peakBytesPerSecond = result.peak.bytesPerSecond
        peakRequestsPerSecond = result.peak.usesPerSecond
        policies = Self.policies(result.policies)
        let advice = result.advice
        recommended = advice?.policy
        recommendedTotal = advice?.total
        savedPerMonth = result.savedPerMonth
        warnings = result.warnings
        pools = Dictionary(
            result.pools.map { pool in
                let advice = result.advice(for: pool)
                let description = Pool(
                    policies: Self.policies(pool.policies), recommended: advice?.policy, lifeSeconds: advice?.life.flatMap(Self.finite),
                    breakEvenSeconds: Self.finite(pool.breakEven), bestFixedSeconds: pool.bestFixed?.seconds,
                    bestFixedTotal: pool.bestFixed?.total, peakBytesPerSecond: pool.peak.bytesPerSecond,
                    peakRequestsPerSecond: pool.peak.usesPerSecond)
                return (pool.name, description)
            }
        ) { first, _ in first }
        candidates = Dictionary(result.candidates.map { ($0.name, Policy($0.ledger)) }) { first, _ in first }
    }

    private static func policies(_ policies: [(policy: ReplayPolicy, ledger: Ledger)]) -> [String: Policy] {
        Dictionary(policies.map { ($0.policy.rawValue, Policy($0.ledger)) }) { first, _ in first }
    }

    /// `nil` for infinity, which JSON cannot express.
    private static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}
