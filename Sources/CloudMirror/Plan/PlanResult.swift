import MirrorCore
import Retention

/// The result of a plan.
struct PlanResult {
    struct Pool {
        let name: String
        let peak: PeakLoad
        /// T*, in seconds.
        let breakEven: Double
        /// The fixed life after the last use that would have cost the least.
        let bestFixed: (seconds: Double, total: Double)
        /// In seconds; `nil` if nothing was learnt.
        let learnedLife: Double?
        let policies: [(policy: ReplayPolicy, ledger: Ledger)]
    }

    struct Candidate {
        let name: String
        let ledger: Ledger
    }

    let requests: Int
    let artifacts: Int
    /// Milliseconds from the first use to the last.
    let span: Int64
    let lines: LineCounts
    let outOfOrder: Int
    let peak: PeakLoad
    let pricesAsOf: Timestamp?
    let policies: [(policy: ReplayPolicy, ledger: Ledger)]
    var pools: [Pool] = []
    var candidates: [Candidate] = []
    var decisions: Decisions?

    /// The recommended policy, and how long it keeps an artifact after a use.
    struct Advice {
        let policy: String
        /// In seconds; `nil` if nothing is kept, or if no single number describes it.
        let life: Double?
        let total: Double
    }

    /// The policies that a mirror can apply.
    private static let possible: [ReplayPolicy] = [.never, .halfBreakEven, .hazard]

    /// The cheapest policy for one pool.
    func advice(for pool: Pool) -> Advice {
        var advice = Advice(policy: "ttl", life: pool.bestFixed.seconds, total: pool.bestFixed.total)
        for (policy, ledger) in pool.policies where Self.possible.contains(policy) && ledger.total <= advice.total {
            let life: Double? =
                switch policy {
                case .halfBreakEven: pool.breakEven / 2
                case .hazard: pool.learnedLife
                default: nil
                }
            advice = Advice(policy: policy.rawValue, life: life, total: ledger.total)
        }
        return advice
    }

    /// The cheapest policy, if all pools use the same one.
    var advice: Advice {
        let fixed = pools.reduce(0) { $0 + $1.bestFixed.total }
        var advice = Advice(policy: "ttl", life: nil, total: fixed)
        for (policy, ledger) in policies where Self.possible.contains(policy) && ledger.total <= advice.total {
            advice = Advice(policy: policy.rawValue, life: nil, total: ledger.total)
        }
        return advice
    }

    func ledger(of policy: ReplayPolicy) -> Ledger? { policies.first { $0.policy == policy }?.ledger }

    /// Days from the first use to the last.
    var days: Double { Double(span) / 86_400_000 }

    /// The longest break-even life of all pools, in days.
    var breakEvenDays: Double { (pools.map(\.breakEven).max() ?? 0) / 86_400 }
}
