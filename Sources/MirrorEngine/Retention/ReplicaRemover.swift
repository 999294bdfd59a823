package import MirrorCore
package import MirrorState
import MirrorStorage

/// Serialises publishing, removing and back-filling of one replica in this process, each together with its record in the state.
package typealias PublicationLock = FairSemaphore<ReplicaID>

extension PublicationLock {
    package convenience init() { self.init(limit: 1) }
}

/// Removes replicas: takes each out of service first, then deletes its object, then its record.
///
/// Of all processes, only one caller at a time removes a replica, and nothing is copied again until the removal ends. So no deletion can hit a newer
/// object.
package struct ReplicaRemover: Sendable {
    /// How long a removal belongs to the caller that confirmed it last: longer than any deletion takes, including retries.
    static let life = Duration.seconds(300)
    /// How long after their begin removals are known to be the caller's still.
    private static let fresh = Duration.seconds(30)
    /// How often a purge checks whether another caller's removal has ended, and how many times before it gives up.
    private static let waits = (pause: Duration.milliseconds(100), count: 300)

    private let pools: PoolTable
    private let state: any StateStore
    private let publications: PublicationLock
    private let clock: any MirrorClock
    private let activity: ActivityRecorder?

    /// - Parameter activity: Is told of replicas that are gone.
    package init(
        pools: PoolTable, state: any StateStore, publications: PublicationLock, activity: ActivityRecorder? = nil, clock: any MirrorClock
    ) {
        self.activity = activity
        self.pools = pools
        self.state = state
        self.publications = publications
        self.clock = clock
    }

    /// - Parameter unusedSince: Removes the replica only if it is marked and was not used after this time; `nil` removes it whatever its state.
    /// - Returns: Whether this call removed it.
    func remove(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool {
        let condition = unusedSince.map { RemovalCondition.unused(since: $0) } ?? .none
        guard let removal = try await state.beginRemoval(id, condition, duration: Self.life) else { return false }
        return try await finish(removal)
    }

    /// Removes many replicas of one pool, and their objects in as few calls as the store allows.
    ///
    /// - Parameter marked: Replicas, the times of their marks, and the bytes of their objects; a replica that was used after its mark stays.
    /// - Returns: The replicas that this call removed.
    /// - Throws: The reason, if none could be removed.
    func remove(_ marked: [(id: ReplicaID, at: Timestamp, bytes: Int64)], in pool: Pool) async throws -> [ReplicaID] {
        let (removed, failure) = try await remove(
            marked.map { WantedRemoval(id: $0.id, condition: .unused(since: $0.at)) }, in: pool)
        let bytes = Dictionary(marked.map { ($0.id, $0.bytes) }) { first, _ in first }
        await activity?.ended(removed.map { ($0, bytes[$0]) }, at: clock.now)
        if let failure, removed.isEmpty { throw failure }
        return removed
    }

    /// Finishes abandoned removals, perhaps of a process that died. Removals whose object cannot be deleted are left for the next sweep.
    func finish(abandoned ids: [ReplicaID], in pool: Pool) async throws {
        let (removed, _) = try await remove(ids.map { WantedRemoval(id: $0, condition: .abandoned) }, in: pool)
        await activity?.ended(removed.map { ($0, nil) }, at: clock.now)
    }

    private func remove(_ wanted: [WantedRemoval], in pool: Pool) async throws -> (removed: [ReplicaID], failure: StorageError?) {
        guard !wanted.isEmpty else { return ([], nil) }
        let began = clock.instant
        let removals = try await state.beginRemovals(wanted, duration: Self.life)
        return try await finish(removals.compactMap(\.self), begun: began, in: pool)
    }

    // MARK: Purging

    /// What a purge found and removed.
    package enum Purged: Sendable, Equatable {
        case nothing
        /// A replica in this state.
        case replica(Replica.State)
        /// A replica whose removal had already begun.
        case removal
        /// An object in the pool that the state did not know.
        case object
    }

    /// Removes a replica, its copy job and its object, even if the state does not know the object.
    ///
    /// - Throws: ``StorageError/Code/unavailable`` if another caller's removal does not finish in time.
    package func purge(_ id: ReplicaID) async throws -> Purged {
        let purged = try await lookedUp(id)
        while let removal = try await turn(to: id) {
            if try await finish(removal) { break }
        }
        await activity?.forget(id)
        return purged
    }

    /// Waits until it is this caller's turn to remove a replica.
    ///
    /// - Returns: `nil` if another caller has removed it in the meantime.
    private func turn(to id: ReplicaID) async throws -> Removal? {
        // Makes a caller that is removing it delete again: what it has deleted may be from before this call.
        if let removal = try await state.beginRemoval(id, .none, duration: Self.life) { return removal }
        for _ in 0..<Self.waits.count {
            try await clock.sleep(for: Self.waits.pause)
            if let removal = try await state.beginRemoval(id, .abandoned, duration: Self.life) { return removal }
            guard try await state.replica(id)?.status == .removing else { return nil }
        }
        throw StorageError(.unavailable, "another deletion of the object is in progress and does not finish", operation: "remover.purge")
    }

    private func lookedUp(_ id: ReplicaID) async throws -> Purged {
        switch try await known(id) {
        case let replica? where replica.status == .removing: return .removal
        case let replica?: return .replica(replica.state)
        case nil:
            // An error does not prevent the deletion: some services refuse to say whether an object is there.
            let info = try? await pools[id.pool]?.store.head(ObjectKey(id.artifact))
            return info == nil ? .nothing : .object
        }
    }

    /// - Returns: Also `nil` for a record that cannot be read: the purge is the way to get rid of it.
    private func known(_ id: ReplicaID) async throws -> Replica? {
        do {
            return try await state.replica(id)
        } catch let error as StateError where error.code == .corrupt {
            return nil
        }
    }

    // MARK: Missing and superseded objects

    /// Forgets a replica whose object is gone; checks again while nothing in this process can publish it.
    ///
    /// - Returns: Whether this call forgot it.
    func removeIfMissing(_ id: ReplicaID) async throws -> Bool {
        guard let pool = pools[id.pool], try await forget(id, in: pool) else { return false }
        await activity?.ended([(id, nil)], at: clock.now)
        return true
    }

    private func forget(_ id: ReplicaID, in pool: Pool) async throws -> Bool {
        return try await uncancelled {
            try await publications.withPermit(id) {
                guard try await state.replica(id)?.state == .present else { return false }
                do {
                    _ = try await pool.store.head(ObjectKey(id.artifact))
                    return false
                } catch let error as StorageError where error.code == .notFound {
                    guard let removal = try await state.beginRemoval(id, .none, duration: Self.life) else { return false }
                    // The object is not deleted: another process may have copied it again since the check. Such an object is found later.
                    if try await state.endRemoval(removal) { return true }
                    return try await end(removal, in: pool)
                }
            }
        }
    }

    /// Removes an object that was published, but that the state did not accept because the lease had been lost in the meantime.
    ///
    /// The caller holds the replica's publication lock, which does not bind other processes. What one of them is copying or has copied stays. While
    /// the object is deleted, the replica is under removal, so that no other process begins a copy. If another process is already removing the
    /// replica, it deletes this object, too.
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

    /// - Returns: Whether this call made the replica absent; `false` if another caller took over the removal.
    private func finish(_ removal: Removal) async throws -> Bool {
        guard let pool = pools[removal.id.pool] else { return false }
        return try await uncancelled {
            try await publications.withPermit(removal.id) { try await end(removal, in: pool) }
        }
    }

    /// The same for many replicas of one pool.
    ///
    /// - Parameter began: A moment before the removals began. They need no confirmation soon after it.
    /// - Returns: The replicas that this call made absent, and an error if some could not be deleted.
    private func finish(
        _ removals: [Removal], begun began: ContinuousClock.Instant, in pool: Pool
    ) async throws -> (removed: [ReplicaID], failure: StorageError?) {
        // A fixed order prevents deadlocks between callers that take several of these locks.
        let removals = removals.sorted { $0.id.artifact.description < $1.id.artifact.description }
        return try await uncancelled {
            try await publications.withPermits(removals.map(\.id)) {
                var left = removals
                var removed: [ReplicaID] = []
                var failure: StorageError?
                if began.duration(to: clock.instant) > Self.fresh { left = try await state.confirm(left, duration: Self.life) }
                while !left.isEmpty {
                    let failures = try await delete(left, in: pool)
                    failure = failures.values.first ?? failure
                    for removal in left {
                        if let error = failures[removal.id] { await leave(removal, after: error) }
                    }
                    let deleted = left.filter { failures[$0.id] == nil }
                    let ends = try await state.endRemovals(deleted)
                    removed += zip(deleted, ends).filter { $0.1 == .absent }.map(\.0.id)
                    let repeated = zip(deleted, ends).filter { $0.1 == .repeated }.map(\.0)
                    left = repeated.isEmpty ? [] : try await state.confirm(repeated, duration: Self.life)
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

    /// Deletes an object whose publication lock the caller holds, again if another caller asks for it in the meantime, and ends the removal.
    ///
    /// - Returns: `false` if another caller took over the removal.
    private func end(_ removal: Removal, in pool: Pool) async throws -> Bool {
        do {
            while try await !state.confirm([removal], duration: Self.life).isEmpty {
                try await withinLife { try await pool.store.delete(ObjectKey(removal.id.artifact)) }
                switch try await state.endRemovals([removal]).first {
                case .absent: return true
                case .repeated: continue
                case .stale, nil: return false
                }
            }
            return false
        } catch let error as StorageError {
            await leave(removal, after: error)
            throw error
        }
    }

    /// Gives up on a deletion well before the removal expires, because the service may still execute it later.
    private func withinLife<Value: Sendable>(_ deletion: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withAlarm(
            "remover.delete", "no answer within \(Self.life / 2)", alarm: { clock.timer(after: Self.life / 2, $0) }, deletion)
    }

    /// Hands back a removal whose object could not be deleted, so that others can continue it.
    ///
    /// If the service did not answer in time, it may still be about to delete. Then the removal stays until it expires, so that nothing is copied in
    /// the meantime that could be deleted in place of the old object.
    private func leave(_ removal: Removal, after error: StorageError) async {
        guard error.code != .timedOut else { return }
        // If this fails, the removal expires by itself.
        try? await state.handBack(removal)
    }
}
