import GRDB
import MirrorCore
package import MirrorState

extension SQLiteStateStore {
    /// What was learned so far, from a file that another process may serve from. Nothing is created, repaired or brought to a newer version.
    ///
    /// - Returns: `nil` if there is no such file, or it has not learned anything or cannot be read.
    package static func summary(at path: String) -> ActivitySummary? {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let file = try? DatabaseQueue(path: path, configuration: configuration)
        return try? file?.read { db in
            let transaction = StateTransaction(db, at: SystemClock().now)
            return ActivitySummary(
                sums: try transaction.sums(), classes: try transaction.classes(), guards: try transaction.document(.guards)?.bytes ?? [])
        }
    }
}

extension SQLiteStateStore: ActivityStore {
    package func activity(of keys: [ActivityKey]) async throws -> [ActivityRecord?] {
        try await read { transaction in try keys.map { try transaction.activity($0) } }
    }

    package func updateActivity<Outcome: Sendable>(
        _ keys: [ActivityKey], _ change: @escaping @Sendable (Int, inout ActivityRecord?) -> Outcome
    ) async throws -> ActivityUpdate<Outcome> {
        var update = ActivityUpdate<Outcome>(outcomes: [])
        try await inBatches(keys) { keys in
            let before = update.outcomes.count
            let part = try await write { [history] in try $0.updateActivity(keys, history: history) { change(before + $0, &$1) } }
            update.outcomes += part.outcomes
            update.dropped += part.dropped
        }
        return update
    }

    package func activityPage(after: ActivityKey?) async throws -> ActivityPage {
        try await read { try $0.activityPage(after: after) }
    }

    package func removeActivity(of keys: [ActivityKey]) async throws {
        try await inBatches(keys) { keys in try await write { try $0.removeActivity(keys) } }
    }

    package func addSums(_ deltas: [String: Double]) async throws -> [String: Double] {
        try await write { [maxSums] in try $0.addSums(deltas, maxSums: maxSums) }
    }

    package func sums() async throws -> [String: Double] {
        try await read { try $0.sums() }
    }

    package func removeSums(_ names: [String]) async throws {
        try await write { try $0.removeSums(names) }
    }

    package func addClasses(_ names: [String]) async throws -> [String] {
        try await write { try $0.addClasses(names) }
    }

    package func document(_ name: ActivityDocument) async throws -> ActivityDocument.Version? {
        try await read { try $0.document(name) }
    }

    package func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) async throws -> Int64? {
        try ActivityLimits.check(bytes)
        let new = try await write { try $0.replaceDocument(name, with: bytes, version: version) }
        if new != nil { notices.publish() }
        return new
    }

    package func activityChanges() async -> AsyncStream<Void> { notices.stream() }

    package func takeComputingLease(_ holder: String, duration: Duration) async throws -> Bool {
        try await write { try $0.takeComputingLease(holder, duration: duration) }
    }

    package func giveBackComputingLease(_ holder: String) async throws {
        try await write { try $0.giveBackComputingLease(holder) }
    }
}
