import MirrorCore

/// Which changes a task needs to know of: to wake it for another costs as much as to wake it for one of these.
package enum ChangeInterest: Sendable, Hashable {
    case everything
    /// Replicas that have become pending, and jobs that can be leased again.
    case jobs
    /// What became of replicas, as opposed to ``jobs``.
    case results

    /// What is not about the status of a single replica concerns everybody.
    func includes(_ change: ReplicaChange) -> Bool {
        guard self != .everything, case .replica(_, let replica) = change else { return true }
        return (replica?.state == .pending) == (self == .jobs)
    }
}

/// A state store that can leave changes out of a stream.
package protocol SelectiveStateStore: StateStore {
    /// The changes of ``StateStore/changes()`` that are of interest, in their order.
    func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange>
}

extension StateStore {
    /// The changes that are of interest; all of them from a store that cannot leave any out.
    package func selectedChanges(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> {
        guard let store = self as? any SelectiveStateStore else { return await changes() }
        return await store.changes(of: interest)
    }
}
