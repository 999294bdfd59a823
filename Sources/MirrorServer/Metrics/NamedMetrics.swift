import CoreMetrics
import NamedOrigins
import Synchronization

/// Requests below `/o/`. Each metric is made once.
final class NamedMetrics: Sendable {
    enum Name {
        static let requests = "cloud_mirror_named_requests_total"
    }

    /// For origins that are named by their host.
    static let byHost = "host"

    private struct Key: Hashable {
        let origin: String
        let word: String
    }

    private let factory: any MetricsFactory
    private let counters = Mutex<[Key: Counter]>([:])

    init(factory: any MetricsFactory) {
        self.factory = factory
    }

    func count(_ call: NamedCall) {
        let key = Key(origin: call.origin.isByHost ? Self.byHost : call.origin.name, word: call.rule.kind.word)
        let counter = counters.withLock { counters in
            if let known = counters[key] { return known }
            let counter = Counter(label: Name.requests, dimensions: [("origin", key.origin), ("class", key.word)], factory: factory)
            counters[key] = counter
            return counter
        }
        counter.increment()
    }
}
