import MirrorCore
import Retention

/// The result of a plan.
struct PlanResult {
    struct Pool {
        let name: String
        let peak: PeakLoad
        /// T*, in seconds.
        let breakEven: Double
        /// The fixed life after the last use that would have cost the least; `nil` if only the learning policy was replayed.
        var bestFixed: (seconds: Double, total: Double)?
        /// In seconds; `nil` if nothing was learnt.
        let learnedLife: Double?
        var policies: [(policy: ReplayPolicy, ledger: Ledger)]
    }

    /// A time without uses, in milliseconds.
    struct Pause {
        /// Since the first use.
        var start: Int64 = 0
        var length: Int64 = 0
    }

    struct Candidate {
        let name: String
        /// The same in a picture.
        let words: String
        var ledger: Ledger
    }

    let requests: Int
    let artifacts: Int
    /// Milliseconds from the first use to the last.
    let span: Int64
    let lines: LineCounts
    let outOfOrder: Int
    /// Uses of artifacts whose size the log does not tell.
    let sizeless: Int
    /// The longest time without a use.
    let pause: Pause
    /// Regions that the price table does not name.
    let unnamed: [String]
    let peak: PeakLoad
    let pricesAsOf: Timestamp?
    var policies: [(policy: ReplayPolicy, ledger: Ledger)]
    var pools: [Pool] = []
    var candidates: [Candidate] = []
    var decisions: Decisions?
    /// The days that the dollars are for, if not those of the log.
    private(set) var shownDays: Double?

    /// The same with dollars for so many days.
    func shown(as days: Double) -> PlanResult {
        guard self.days > 0 else { return self }
        let factor = days / self.days
        var result = self
        result.shownDays = days
        for index in policies.indices { result.policies[index].ledger = policies[index].ledger.scaled(by: factor) }
        for index in pools.indices {
            result.pools[index].bestFixed?.total *= factor
            for policy in pools[index].policies.indices {
                result.pools[index].policies[policy].ledger = pools[index].policies[policy].ledger.scaled(by: factor)
            }
        }
        for index in candidates.indices { result.candidates[index].ledger = candidates[index].ledger.scaled(by: factor) }
        return result
    }

    /// The recommended policy, and how long it keeps an artifact after a use.
    struct Advice {
        let policy: String
        /// In seconds; `nil` if nothing is kept, or if no single number describes it.
        let life: Double?
        let total: Double
    }

    /// The policies that a mirror can apply.
    private static let possible: [ReplayPolicy] = [.never, .halfBreakEven, .hazard]

    /// The cheapest policy for one pool; `nil` if none was replayed that a mirror can apply.
    func advice(for pool: Pool) -> Advice? {
        var advice = pool.bestFixed.map { Advice(policy: "ttl", life: $0.seconds, total: $0.total) }
        for (policy, ledger) in pool.policies where Self.possible.contains(policy) && ledger.total <= advice?.total ?? .infinity {
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
    var advice: Advice? {
        let fixed = pools.compactMap { $0.bestFixed?.total }
        var advice = fixed.isEmpty ? nil : Advice(policy: "ttl", life: nil, total: fixed.reduce(0, +))
        for (policy, ledger) in policies where Self.possible.contains(policy) && ledger.total <= advice?.total ?? .infinity {
            advice = Advice(policy: policy.rawValue, life: nil, total: ledger.total)
        }
        return advice
    }

    /// What the cheapest policy saves in a month, compared with no mirror, in dollars; `nil` for a log of hours, which says nothing about a month.
    var savedPerMonth: Double? {
        guard days >= 1, let advice, let never = ledger(of: .never)?.total else { return nil }
        return (never - advice.total) / (shownDays ?? days) * 365 / 12
    }

    /// What the figures do not tell.
    var warnings: [String] {
        var warnings: [String] = []
        if days < breakEvenDays {
            warnings.append("The log is shorter than T*: it tells little about gaps beyond \(HumanText.tenths(days)) days.")
        }
        if lines.unreadable > 0 {
            warnings.append("\(lines.unreadable) lines cannot be read, of which the first is \(lines.firstUnreadable ?? "")")
        }
        if !unnamed.isEmpty {
            let more = unnamed.count > 3 ? " and \(unnamed.count - 3) more" : ""
            warnings.append(
                "The price table does not name \(unnamed.prefix(3).joined(separator: ", "))\(more): the prices of other regions (*) count.")
        }
        if sizeless * 100 >= requests {
            warnings.append("\(sizeless) requests are for artifacts whose size the log does not tell; they count as empty.")
        }
        if pause.length >= 86_400_000, pause.length > span / 2 {
            let (start, end) = (Double(pause.start) / 86_400_000, Double(pause.start + pause.length) / 86_400_000)
            warnings.append(
                "Nothing was requested from day \(HumanText.tenths(start)) to day \(HumanText.tenths(end)) of the log: a part may be missing, or a time "
                    + "wrong. These days count, too.")
        }
        if outOfOrder > 0 { warnings.append("\(outOfOrder) uses came after much later ones; they count as if they were at the same time.") }
        return warnings
    }

    func ledger(of policy: ReplayPolicy) -> Ledger? { policies.first { $0.policy == policy }?.ledger }

    /// Days from the first use to the last.
    var days: Double { Double(span) / 86_400_000 }

    /// The longest break-even life of all pools, in days.
    var breakEvenDays: Double { (pools.map(\.breakEven).max() ?? 0) / 86_400 }
}
