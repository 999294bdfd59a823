import MirrorCore
import MirrorEngine
import MirrorState

extension MirrorServices {
    /// Between two times at which it is noted what the pools hold, which costs more the longer they hold it.
    private static let savingsInterval = Duration.seconds(60)

    /// Adds up what the pools cost, until the task is cancelled.
    package func runSavings() async {
        while !Task.isCancelled {
            for pool in pools.all {
                // While the state is unavailable, the pool is taken to hold what it held.
                if let totals = try? await state.totals(of: pool.id) { metrics.recordTotals(totals, pool: pool.id) }
            }
            recordSavings()
            try? await clock.sleep(for: Self.savingsInterval)
        }
    }

    /// What was saved and paid since startup; `nil` if no pool's prices are known.
    func savingsSoFar() -> StatsCall.Savings? {
        guard let asOf = savings?.pricesAsOf else { return nil }
        recordSavings()
        func sums(_ name: String, by label: String) -> [String: Double] {
            registry.values(of: name).reduce(into: [:]) { $0[$1.labels[label] ?? "", default: 0] += $1.value }
        }
        typealias Name = SavingsMeter.Name
        return StatsCall.Savings(
            pricesAsOf: asOf.day, savedDollars: registry.values(of: Name.saved).reduce(0) { $0 + $1.value },
            costDollars: sums(Name.cost, by: "kind"), counterfactualDollars: sums(Name.counterfactual, by: "policy"))
    }

    /// Brings the dollars up to date with what was counted.
    func recordSavings() {
        guard let savings else { return }
        var counts: [PoolID: SavingsMeter.Counts] = [:]
        func add(_ name: String, to path: WritableKeyPath<SavingsMeter.Counts, Double>, where label: (key: String, value: String)? = nil) {
            for (labels, value) in registry.values(of: name) {
                guard let pool = labels["pool"].flatMap({ PoolID($0) }), label.map({ labels[$0.key] == $0.value }) ?? true else { continue }
                counts[pool, default: SavingsMeter.Counts()][keyPath: path] += value
            }
        }
        typealias Name = EngineMetrics.Name
        add(Name.redirects, to: \.hits, where: ("outcome", "hit"))
        add(Name.egressAvoided, to: \.avoidedBytes)
        add(Name.copyBytes, to: \.originBytes)
        add(Name.serverSideCopyBytes, to: \.originBytes, where: ("source", "origin"))
        add(Name.serverSideCopyBytes, to: \.replicaBytes, where: ("source", "replica"))
        add(Name.copies, to: \.copies, where: ("result", "present"))
        add(Name.poolBytes, to: \.heldBytes)
        savings.record(counts)
    }
}
