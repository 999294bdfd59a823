import MirrorCore
import MirrorEngine

extension MirrorServices {
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
        add(Name.copies, to: \.copies, where: ("result", "present"))
        add(Name.poolBytes, to: \.heldBytes)
        savings.record(counts)
    }
}
