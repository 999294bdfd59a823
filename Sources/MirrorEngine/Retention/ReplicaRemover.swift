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

    /// What a purge found and took away.
    package enum Purged: Sendable, Equatable {
        case nothing
        /// A replica in this state.
        case replica(Replica.State)
        /// One whose removal was begun before.
        case removal
        /// An object in the pool that the state did not know.
        case object
    }

    /// Removes a replica, its copy job and its object, also an object that the state does not know.
    package func purge(_ id: ReplicaID) async throws -> Purged {
        let purged = try await lookedUp(id)
        _ = try await state.beginRemoval(id, unusedSince: nil)
        try await finish(id)
        return purged
    }

    private func lookedUp(_ id: ReplicaID) async throws -> Purged {
        switch try await state.replica(id) {
        case let replica? where replica.status == .removing: return .removal
        case let replica?: return .replica(replica.state)
        case nil:
            // A pool that cannot tell is no reason not to delete: some services refuse to say whether an object is there.
            let info = try? await pools[id.pool]?.store.head(ObjectKey(id.artifact))
            return info == nil ? .nothing : .object
        }
    }

    /// Forgets a replica whose object is gone; looks once more where nobody publishes it at the same time.
    ///
    /// - Returns: Whether it was forgotten by this call.
    func removeIfMissing(_ id: ReplicaID) async throws -> Bool {
        guard let pool = pools[id.pool] else { return false }
        return try await uncancelled {
            try await publications.withLock(id) {
                guard try await state.replica(id)?.state == .present else { return false }
                do {
                    _ = try await pool.store.head(ObjectKey(id.artifact))
                    return false
                } catch let error as StorageError where error.code == .notFound {
                    guard try await state.beginRemoval(id, unusedSince: nil) else { return false }
                    try await state.forget(id)
                    return true
                }
            }
        }
    }

    /// Removes many replicas of one pool, their objects in as few calls as the store allows.
    ///
    /// - Parameter marked: Replicas and their marks: one that was used after its mark stays.
    /// - Returns: The replicas that were removed by this call.
    func remove(_ marked: [(id: ReplicaID, at: Timestamp)], in pool: Pool) async throws -> [ReplicaID] {
        var begun: [ReplicaID] = []
        for replica in marked where try await state.beginRemoval(replica.id, unusedSince: replica.at) { begun.append(replica.id) }
        let failures = try await finish(begun, in: pool)
        if let failure = failures.first?.value, failures.count == begun.count { throw failure }
        return begun.filter { failures[$0] == nil }
    }

    /// Ends removals that were begun, perhaps by a process that died.
    ///
    /// - Returns: Those whose object could not be deleted; they stay under removal, for the next sweep.
    @discardableResult
    func finish(_ ids: [ReplicaID], in pool: Pool) async throws -> [ReplicaID: StorageError] {
        // One order for everybody who takes several of these locks.
        let ids = ids.sorted { $0.artifact.description < $1.artifact.description }
        guard !ids.isEmpty else { return [:] }
        return try await uncancelled {
            try await publications.withLocks(ids) {
                var left: [ReplicaID] = []
                // Somebody may have ended a removal meanwhile, and a new copy be there: that one stays.
                for id in ids where try await state.replica(id)?.state != .present { left.append(id) }
                let failures = try await pool.store.delete(left.map { ObjectKey($0.artifact) })
                var failed: [ReplicaID: StorageError] = [:]
                for id in left {
                    if let failure = failures[ObjectKey(id.artifact)] {
                        failed[id] = failure
                    } else {
                        try await state.forget(id)
                    }
                }
                return failed
            }
        }
    }

    /// Ends a removal that was begun, perhaps by a process that died.
    func finish(_ id: ReplicaID) async throws {
        guard let pool = pools[id.pool] else { return }
        try await uncancelled {
            try await publications.withLock(id) {
                // Somebody may have ended the removal meanwhile, and a new copy be there: that one stays.
                if try await state.replica(id)?.state == .present { return }
                try await end(id, in: pool)
            }
        }
    }

    /// Removes an object that was published but that the state did not take, because its lease was lost meanwhile.
    ///
    /// The caller holds the publication lock of it. Other processes do not: what one of them copies or has copied stays, and while the object
    /// is deleted the replica is under removal, so that none of them begins.
    func discard(_ id: ReplicaID) async throws {
        guard let pool = pools[id.pool] else { return }
        try await uncancelled {
            switch try await state.replica(id)?.status {
            case .present, .pending:
                return
            case nil, .error:
                // Where another process has just begun, it deletes this object too.
                if try await state.beginRemoval(id, unusedSince: nil) { try await end(id, in: pool) }
            case .removing:
                // The object may have come after the deletion. The memory of it is for those to end who began.
                try await pool.store.delete(ObjectKey(id.artifact))
            }
        }
    }

    private func end(_ id: ReplicaID, in pool: Pool) async throws {
        try await pool.store.delete(ObjectKey(id.artifact))
        try await state.forget(id)
    }
}
