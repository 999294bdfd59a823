package import MirrorCore

/// A state store whose calls wait for an answer for a limited time, because it is elsewhere.
package protocol LimitedStateStore: StateStore {
    /// How long a call waits before it fails with ``StateError/Code/unavailable``; `nil` for no limit.
    var answerLimit: Duration? { get }

    /// ``StateStore/replica(_:)`` for a caller that has waited before.
    ///
    /// - Parameter limit: How long the call waits, if that is less than ``answerLimit``.
    func replica(_ id: ReplicaID, within limit: Duration) async throws -> Replica?
}
