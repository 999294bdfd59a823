package import MirrorCore
package import MirrorState
import MirrorStorage

/// Keeps what publishes an object, removes it, or finds it in its pool from doing so at the same time, each with its record in the state.
package typealias PublicationLock = KeyedLock<ReplicaID>

/// Takes replicas away: out of service first, then the object, then the memory of it.
package struct ReplicaRemover: Sendable {
    private let pools: PoolTable
    private let state: any StateStore
    private let publications: PublicationLock

    package init(pools: PoolTable, state: any StateStore, publications: PublicationLock) {
        self.pools = pools
        self.state = state
        self.publications = publications
    }

    /// - Parameter unusedSince: Removes only a marked replica that was not used after it; `nil` removes it whatever its state.
    /// - Returns: Whether it was removed by this call.
    func remove(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool {
        guard try await state.beginRemoval(id, unusedSince: unusedSince) else { return false }
        try await finish(id)
        return true
    }

    /// Removes a replica, its copy job and its object, also an object that the state does not know.
    package func purge(_ id: ReplicaID) async throws {
        _ = try await state.beginRemoval(id, unusedSince: nil)
        try await finish(id)
    }

    /// Ends a removal that was begun, perhaps by a process that died.
    func finish(_ id: ReplicaID) async throws {
        guard let pool = pools[id.pool] else { return }
        try await uncancelled {
            try await publications.withLock(id) {
                // Somebody may have ended the removal meanwhile, and a new copy be there: that one stays.
                if try await state.replica(id)?.state == .present { return }
                try await pool.store.delete(ObjectKey(id.artifact))
                try await state.forget(id)
            }
        }
    }
}
