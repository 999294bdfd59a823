package import MirrorCore
package import MirrorState
import MirrorStorage

/// Keeps what publishes an object, removes it, or finds it in its pool from doing so at the same time, each with its record in the state.
package typealias PublicationLock = FairSemaphore<ReplicaID>

extension PublicationLock {
    package convenience init() { self.init(limit: 1) }
}

/// Takes replicas away: out of service first, then the object, then the memory of it.
///
/// A removal is one caller's at a time, of all processes, so that no deletion can be late: while one is under way nothing is copied anew.
package struct ReplicaRemover: Sendable {
    /// How long a removal is left to who confirmed it last: longer than any deletion takes, its repetitions included.
    static let life = Duration.seconds(300)
    /// How often a purge looks whether somebody else's removal has ended, and how many times before it gives up.
    private static let waits = (pause: Duration.milliseconds(100), count: 300)

    private let pools: PoolTable
    private let state: any StateStore
    private let publications: PublicationLock
    private let clock: any MirrorClock

    package init(pools: PoolTable, state: any StateStore, publications: PublicationLock, clock: any MirrorClock) {
        self.pools = pools
        self.state = state
        self.publications = publications
        self.clock = clock
    }

    /// - Parameter unusedSince: Removes only a marked replica that was not used after it; `nil` removes it whatever its state.
    /// - Returns: Whether it was removed by this call.
    func remove(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool {
        let condition = unusedSince.map { RemovalCondition.unused(since: $0) } ?? .none
        guard let removal = try await state.beginRemoval(id, condition, duration: Self.life) else { return false }
        return try await finish(removal)
    }

    /// Removes many replicas of one pool, their objects in as few calls as the store allows.
    ///
    /// - Parameter marked: Replicas and their marks: one that was used after its mark stays.
    /// - Returns: The replicas that were removed by this call.
    /// - Throws: Why none could be removed.
    func remove(_ marked: [(id: ReplicaID, at: Timestamp)], in pool: Pool) async throws -> [ReplicaID] {
        let (removed, failure) = try await remove(marked.map { ($0.id, .unused(since: $0.at)) }, in: pool)
        if let failure, removed.isEmpty { throw failure }
        return removed
    }

    /// Ends removals that were begun, perhaps by a process that died. Those whose object cannot be deleted stay, for the next sweep.
    func finish(abandoned ids: [ReplicaID], in pool: Pool) async throws {
        _ = try await remove(ids.map { ($0, .abandoned) }, in: pool)
    }

    private func remove(
        _ replicas: [(id: ReplicaID, condition: RemovalCondition)], in pool: Pool
    ) async throws -> (removed: [ReplicaID], failure: StorageError?) {
        var removals: [Removal] = []
        for (id, condition) in replicas {
            if let removal = try await state.beginRemoval(id, condition, duration: Self.life) { removals.append(removal) }
        }
        return try await finish(removals, in: pool)
    }

    // MARK: Purging

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
    ///
    /// - Throws: ``StorageError/Code/unavailable`` when somebody else is at it and does not get on.
    package func purge(_ id: ReplicaID) async throws -> Purged {
        let purged = try await lookedUp(id)
        while let removal = try await turn(to: id) {
            if try await finish(removal) { break }
        }
        return purged
    }

    /// Waits until it is this caller's turn to remove a replica.
    ///
    /// - Returns: `nil` when somebody else did so meanwhile.
    private func turn(to id: ReplicaID) async throws -> Removal? {
        // Makes who is at it delete once more: what they have deleted may be from before this call.
        if let removal = try await state.beginRemoval(id, .none, duration: Self.life) { return removal }
        for _ in 0..<Self.waits.count {
            try await clock.sleep(for: Self.waits.pause)
            if let removal = try await state.beginRemoval(id, .abandoned, duration: Self.life) { return removal }
            guard try await state.replica(id)?.status == .removing else { return nil }
        }
        throw StorageError(.unavailable, "another deletion of the object is in progress and does not finish", operation: "remover.purge")
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

    // MARK: Objects that are gone, or should never have come

    /// Forgets a replica whose object is gone; looks once more where nobody publishes it at the same time.
    ///
    /// - Returns: Whether it was forgotten by this call.
    func removeIfMissing(_ id: ReplicaID) async throws -> Bool {
        guard let pool = pools[id.pool] else { return false }
        return try await uncancelled {
            try await publications.withPermit(id) {
                guard try await state.replica(id)?.state == .present else { return false }
                do {
                    _ = try await pool.store.head(ObjectKey(id.artifact))
                    return false
                } catch let error as StorageError where error.code == .notFound {
                    guard let removal = try await state.beginRemoval(id, .none, duration: Self.life) else { return false }
                    // Without a deletion: another process may have copied it anew since the look. Its object is found again.
                    if try await state.endRemoval(removal) { return true }
                    return try await end(removal, in: pool)
                }
            }
        }
    }

    /// Removes an object that was published but that the state did not take, because its lease was lost meanwhile.
    ///
    /// The caller holds the publication lock of it. Other processes do not: what one of them copies or has copied stays, and while the object
    /// is deleted the replica is under removal, so that none of them begins. Where one of them removes it already, it deletes this object too.
    func discard(_ id: ReplicaID) async throws {
        guard let pool = pools[id.pool] else { return }
        try await uncancelled {
            switch try await state.replica(id)?.status {
            case .present, .pending:
                return
            case nil, .error, .removing:
                guard let removal = try await state.beginRemoval(id, .none, duration: Self.life) else { return }
                _ = try await end(removal, in: pool)
            }
        }
    }

    // MARK: Deleting

    /// - Returns: Whether the replica is absent by this call; `false` when somebody else took the removal over.
    private func finish(_ removal: Removal) async throws -> Bool {
        guard let pool = pools[removal.id.pool] else { return false }
        return try await uncancelled {
            try await publications.withPermit(removal.id) { try await end(removal, in: pool) }
        }
    }

    /// The same for many of one pool.
    ///
    /// - Returns: Those that are absent by this call, and why the others are not.
    private func finish(_ removals: [Removal], in pool: Pool) async throws -> (removed: [ReplicaID], failure: StorageError?) {
        // One order for everybody who takes several of these locks.
        let removals = removals.sorted { $0.id.artifact.description < $1.id.artifact.description }
        return try await uncancelled {
            try await publications.withPermits(removals.map(\.id)) {
                var left = removals
                var removed: [ReplicaID] = []
                var failure: StorageError?
                while !left.isEmpty {
                    left = try await state.confirm(left, duration: Self.life)
                    let failures = try await delete(left, in: pool)
                    failure = failures.values.first ?? failure
                    var again: [Removal] = []
                    for removal in left {
                        if let error = failures[removal.id] {
                            await leave(removal, after: error)
                            continue
                        }
                        switch try await ended(removal) {
                        case true?: removed.append(removal.id)
                        case false?: again.append(removal)
                        case nil: break
                        }
                    }
                    left = again
                }
                return (removed, failure)
            }
        }
    }

    private func delete(_ removals: [Removal], in pool: Pool) async throws -> [ReplicaID: StorageError] {
        let keys = removals.map { ObjectKey($0.id.artifact) }
        let failures: [ObjectKey: StorageError]
        do {
            failures = try await withinLife { keys.isEmpty ? [:] : try await pool.store.delete(keys) }
        } catch let error as StorageError {
            return Dictionary(removals.map { ($0.id, error) }) { first, _ in first }
        }
        return Dictionary(removals.compactMap { removal in failures[ObjectKey(removal.id.artifact)].map { (removal.id, $0) } }) {
            first, _ in first
        }
    }

    /// Deletes an object whose publication lock the caller holds, as often as somebody asks for it meanwhile, and ends the removal.
    ///
    /// - Returns: `false` when somebody else took the removal over.
    private func end(_ removal: Removal, in pool: Pool) async throws -> Bool {
        do {
            while try await !state.confirm([removal], duration: Self.life).isEmpty {
                try await withinLife { try await pool.store.delete(ObjectKey(removal.id.artifact)) }
                if let hasEnded = try await ended(removal) {
                    if hasEnded { return true }
                } else {
                    return false
                }
            }
            return false
        } catch let error as StorageError {
            await leave(removal, after: error)
            throw error
        }
    }

    /// - Returns: Whether the replica is absent now, `false` when its object is to be deleted once more, `nil` when the removal is somebody else's.
    private func ended(_ removal: Removal) async throws -> Bool? {
        do {
            return try await state.endRemoval(removal)
        } catch let error as StateError where error.code == .staleLease {
            return nil
        }
    }

    /// Gives up on a deletion well before the removal runs out: it may still wait for its turn at the service then.
    private func withinLife<Value: Sendable>(_ deletion: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withAlarm(
            "remover.delete", "no answer within \(Self.life / 2)", alarm: { [clock] in try await clock.sleep(for: Self.life / 2) }, deletion
        )
    }

    /// Leaves a removal to others whose object could not be deleted.
    ///
    /// A service that did not answer in time may still be about to delete: then the removal stays until it runs out, and nothing is copied
    /// meanwhile that could be deleted in the place of the old object.
    private func leave(_ removal: Removal, after error: StorageError) async {
        guard error.code != .timedOut else { return }
        // Where it fails, the removal runs out.
        try? await state.handBack(removal)
    }
}
