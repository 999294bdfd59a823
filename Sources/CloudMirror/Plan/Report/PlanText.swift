import MirrorCore
import Retention

/// A plan as text for the terminal.
struct PlanText {
    let result: PlanResult
    /// Scales the dollars to this many days instead of the log's.
    let days: Double?

    private var scale: Double { days.map { result.days > 0 ? $0 / result.days : 1 } ?? 1 }

    var text: String {
        var parts = [head, table]
        if result.pools.count > 0 { parts.append(pools) }
        if !result.candidates.isEmpty { parts.append(candidates) }
        parts.append((advice + warnings).map { "\($0)\n" }.joined())
        return parts.joined(separator: "\n")
    }

    private var head: String {
        let of = result.pricesAsOf.map { " as of \($0.day)" } ?? ""
        let span = days.map { "shown as \(HumanText.tenths($0)) days" }
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
            name, HumanText.dollars(ledger.total * scale), HumanText.dollars(ledger.storage * scale),
            HumanText.dollars(ledger.egress * scale),
            HumanText.dollars(ledger.requests * scale), best > 0 ? HumanText.fixed(ledger.total / best, 3) : "-",
            Self.percent(Double(ledger.hits), of: Double(requests)),
            Self.percent(ledger.hitBytes, of: ledger.poolBytes + ledger.originBytes - Self.copied(ledger)),
        ]
    }

    /// Bytes that were read from the origin first and then from the pool are in both counts.
    private static func copied(_ ledger: Ledger) -> Double { ledger.poolBytes - ledger.hitBytes }

    private var pools: String {
        var table = TextTable([
            ("region", .left), ("advice", .left), ("keep", .right), ("total $", .right), ("never $", .right), ("best fixed", .right),
            ("T*", .right), ("peak", .right),
        ])
        for pool in result.pools.sorted(by: { $0.name < $1.name }) {
            let advice = result.advice(for: pool)
            let never = pool.policies.first { $0.policy == .never }?.ledger.total
            table.add([
                pool.name.isEmpty ? "-" : pool.name, advice.policy, advice.life.map(Self.life) ?? "-",
                HumanText.dollars(advice.total * scale),
                never.map { HumanText.dollars($0 * scale) } ?? "-", Self.life(pool.bestFixed.seconds), Self.life(pool.breakEven),
                "\(HumanText.bytes(Int64(clamping: Int(pool.peak.bytesPerSecond))))/s",
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
                [candidate.name] + [ledger.total, ledger.storage, ledger.egress, ledger.requests].map { HumanText.dollars($0 * scale) })
        }
        return table.text()
    }

    private var advice: [String] {
        let advice = result.advice
        guard let never = result.ledger(of: .never)?.total else { return ["Cheapest: \(advice.policy)."] }
        let sum =
            "Cheapest: \(advice.policy), \(HumanText.dollars(advice.total * scale)) $ instead of \(HumanText.dollars(never * scale)) $ without a mirror"
        // A few hours say nothing about a month.
        guard result.days >= 1 else { return ["\(sum)."] }
        return ["\(sum): it saves \(HumanText.dollars((never - advice.total) / result.days * 365 / 12)) $ in a month."]
    }

    private var warnings: [String] {
        var warnings: [String] = []
        if result.days < result.breakEvenDays {
            warnings.append("The log is shorter than T*: it tells little about gaps beyond \(HumanText.tenths(result.days)) days.")
        }
        if result.lines.unreadable > 0 {
            warnings.append("\(result.lines.unreadable) lines cannot be read, of which the first is \(result.lines.firstUnreadable ?? "")")
        }
        if result.outOfOrder > 0 {
            warnings.append("\(result.outOfOrder) uses came after later ones; they count as if they were at the same time.")
        }
        return warnings
    }

    // MARK: Numbers

    static func percent(_ part: Double, of whole: Double) -> String { whole > 0 ? "\(HumanText.fixed(part / whole * 100, 1))%" : "-" }

    static func life(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e10 else { return "for ever" }
        return HumanText.seconds(Int64(seconds))
    }
}
