import MirrorCore
import Retention

/// A plan as text for the terminal.
struct PlanText {
    let result: PlanResult

    var text: String {
        var parts = [head, table]
        if result.pools.count > 0 { parts.append(pools) }
        if !result.candidates.isEmpty { parts.append(candidates) }
        // A warning may contain a line of the log.
        parts.append((advice + result.warnings).map { "\(TextTable.printable($0))\n" }.joined())
        return parts.joined(separator: "\n")
    }

    private var head: String {
        let of = result.pricesAsOf.map { " as of \($0.day)" } ?? ""
        let span = result.shownDays.map { "shown as \(HumanText.tenths($0)) days" }
        let facts = [
            "\(result.requests) requests", "\(result.artifacts) artifacts", "\(result.pools.count) regions",
            "\(HumanText.tenths(result.days)) days",
            span,
        ].compactMap { $0 }
        return "\(facts.joined(separator: ", ")); dollars at list prices\(of)\n"
            + "peak: \(HumanText.bytes(Int64(clamping: Int(result.peak.bytesPerSecond))))/s, \(HumanText.tenths(result.peak.usesPerSecond)) requests/s\n"
    }

    private var table: String {
        var table = TextTable([
            ("policy", .left), ("total $", .right), ("storage $", .right), ("egress $", .right), ("requests $", .right), ("x best", .right),
            ("hits", .right), ("bytes hit", .right),
        ])
        let best = result.ledger(of: .clairvoyant)?.total ?? 0
        for (policy, ledger) in result.policies { table.add(row(policy.rawValue, ledger, best)) }
        return table.text()
    }

    private func row(_ name: String, _ ledger: Ledger, _ best: Double) -> [String] {
        let requests = ledger.hits + ledger.copies + ledger.redirects
        return [
            name, HumanText.dollars(ledger.total), HumanText.dollars(ledger.storage),
            HumanText.dollars(ledger.egress),
            HumanText.dollars(ledger.requests), best > 0 ? HumanText.fixed(ledger.total / best, 3) : "-",
            Self.percent(Double(ledger.hits), of: Double(requests)),
            Self.percent(ledger.hitBytes, of: ledger.readBytes),
        ]
    }

    private var pools: String {
        var table = TextTable([
            ("region", .left), ("advice", .left), ("keep", .right), ("total $", .right), ("never $", .right), ("best fixed", .right),
            ("T*", .right), ("peak", .right),
        ])
        for pool in result.pools.sorted(by: { $0.name < $1.name }) {
            let advice = result.advice(for: pool)
            let never = pool.policies.first { $0.policy == .never }?.ledger.total
            table.add([
                pool.name.isEmpty ? "-" : pool.name, advice?.policy ?? "-", advice?.life.map(Self.life) ?? "-",
                Self.dollars(advice?.total), Self.dollars(never), pool.bestFixed.map { Self.life($0.seconds) } ?? "-",
                Self.life(pool.breakEven), "\(HumanText.bytes(Int64(clamping: Int(pool.peak.bytesPerSecond))))/s",
            ])
        }
        return table.text()
    }

    private var candidates: String {
        var table = TextTable([
            ("instead", .left), ("total $", .right), ("storage $", .right), ("egress $", .right), ("requests $", .right),
        ])
        for candidate in result.candidates {
            let ledger = candidate.ledger
            table.add(
                [candidate.name] + [ledger.total, ledger.storage, ledger.egress, ledger.requests].map { HumanText.dollars($0) })
        }
        return table.text()
    }

    private var advice: [String] {
        guard let advice = result.advice else { return [] }
        let cheapest = "Cheapest: \(advice.policy), \(HumanText.dollars(advice.total)) $"
        guard let never = result.ledger(of: .never)?.total else { return ["\(cheapest)."] }
        let sum = "\(cheapest) instead of \(HumanText.dollars(never)) $ without a mirror"
        return [result.savedPerMonth.map { "\(sum): it saves \(HumanText.dollars($0)) $ in a month." } ?? "\(sum)."]
    }

    // MARK: Numbers

    private static func dollars(_ dollars: Double?) -> String { dollars.map(HumanText.dollars) ?? "-" }

    static func percent(_ part: Double, of whole: Double) -> String { whole > 0 ? "\(HumanText.fixed(part / whole * 100, 1))%" : "-" }

    static func life(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e10 else { return "for ever" }
        return HumanText.seconds(Int64(seconds))
    }
}
