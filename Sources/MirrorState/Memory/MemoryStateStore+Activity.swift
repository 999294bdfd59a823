import MirrorCore
import Synchronization

extension MemoryStateStore: ActivityStore {
    package func activity(of keys: [ActivityKey]) async throws -> [ActivityRecord?] {
        try transact { activity, _ in keys.map { activity.records[$0] } }
    }

    package func updateActivity<Outcome: Sendable>(
        _ keys: [ActivityKey], _ change: @escaping @Sendable (Int, inout ActivityRecord?) -> Outcome
    ) async throws -> ActivityUpdate<Outcome> {
        try transact { activity, _ in activity.update(keys, change) }
    }

    package func activityPage(after: ActivityKey?) async throws -> ActivityPage {
        try transact { activity, _ in activity.page(after: after) }
    }

    package func removeActivity(of keys: [ActivityKey]) async throws {
        try transact { activity, _ in activity.remove(keys) }
    }

    package func addSums(_ deltas: [String: Double]) async throws -> [String: Double] {
        try transact { activity, _ in activity.add(deltas) }
    }

    package func sums() async throws -> [String: Double] {
        try transact { activity, _ in activity.sums }
    }

    package func removeSums(_ names: [String]) async throws {
        try transact { activity, _ in activity.removeSums(names) }
    }

    package func addClasses(_ names: [String]) async throws -> [String] {
        try transact { activity, _ in activity.addClasses(names) }
    }

    package func document(_ name: ActivityDocument) async throws -> ActivityDocument.Version? {
        try transact { activity, _ in activity.documents[name] }
    }

    package func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) async throws -> Int64? {
        try ActivityLimits.check(bytes)
        let new = try transact { activity, _ in activity.replace(name, with: bytes, version: version) }
        if new != nil { notices.publish() }
        return new
    }

    package func activityChanges() async -> AsyncStream<Void> { notices.stream() }

    package func takeComputingLease(_ holder: String, duration: Duration) async throws -> Bool {
        try transact { activity, now in activity.takeLease(holder, at: now, duration: duration) }
    }

    package func giveBackComputingLease(_ holder: String) async throws {
        try transact { activity, _ in activity.giveBackLease(holder) }
    }

    private func transact<Result: Sendable>(_ body: (inout MemoryActivity, Timestamp) -> Result) throws(StateError) -> Result {
        try activity.withLock { activity throws(StateError) in
            guard !isClosed else { throw StateError(.unavailable, "the state store is closed") }
            return body(&activity, clock.now)
        }
    }
}
