import MirrorCore
import MirrorState
import Synchronization

/// A store that may lose all that it holds, like a Redis that comes back empty.
final class LosableActivityStore: ActivityStore {
    private let clock: any MirrorClock
    private let current: Mutex<MemoryStateStore>

    init(clock: any MirrorClock) {
        self.clock = clock
        current = Mutex(MemoryStateStore(clock: clock))
    }

    func lose() {
        let empty = MemoryStateStore(clock: clock)
        current.withLock { $0 = empty }
    }

    private var store: MemoryStateStore { current.withLock { $0 } }

    func activity(of keys: [ActivityKey]) async throws -> [ActivityRecord?] { try await store.activity(of: keys) }

    func updateActivity<Outcome: Sendable>(
        _ keys: [ActivityKey], _ change: @escaping @Sendable (Int, inout ActivityRecord?) -> Outcome
    ) async throws -> ActivityUpdate<Outcome> {
        try await store.updateActivity(keys, change)
    }

    func activityPage(after: ActivityKey?) async throws -> ActivityPage { try await store.activityPage(after: after) }
    func removeActivity(of keys: [ActivityKey]) async throws { try await store.removeActivity(of: keys) }
    func addSums(_ deltas: [String: Double]) async throws -> [String: Double] { try await store.addSums(deltas) }
    func sums() async throws -> [String: Double] { try await store.sums() }
    func removeSums(_ names: [String]) async throws { try await store.removeSums(names) }
    func addClasses(_ names: [String]) async throws -> [String] { try await store.addClasses(names) }
    func document(_ name: ActivityDocument) async throws -> ActivityDocument.Version? { try await store.document(name) }

    func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) async throws -> Int64? {
        try await store.replaceDocument(name, with: bytes, version: version)
    }

    func activityChanges() async -> AsyncStream<Void> { await store.activityChanges() }

    func takeComputingLease(_ holder: String, duration: Duration) async throws -> Bool {
        try await store.takeComputingLease(holder, duration: duration)
    }

    func giveBackComputingLease(_ holder: String) async throws { try await store.giveBackComputingLease(holder) }
}
