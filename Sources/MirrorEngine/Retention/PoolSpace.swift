package import Logging
package import MirrorCore
package import MirrorState
import MirrorStorage
import Synchronization

/// Keeps pools within `maxBytes` and a number of replicas, and disks from filling up: a copy takes room as its bytes arrive, and the least recently
/// used replicas make room (decision 0016).
///
/// Copies of other processes count only once they are present, so a pool may exceed its limit by their running copies, and by those that have become
/// present within ``lookLife``.
package final class PoolSpace: Sendable {
    private struct Book {
        var reservations: [ObjectIdentifier: Reservation] = [:]
        /// How often copies have begun, taken more, or ended.
        var changes = 0
        /// The last known totals, for when the state is unavailable.
        var totals: PoolTotals?
        /// What small artifacts may still take of the room that the last look has found, and until when.
        var spare: (amount: PoolAmount, end: ContinuousClock.Instant)?

        mutating func enter(_ reservation: Reservation) {
            reservations[ObjectIdentifier(reservation)] = reservation
            changes += 1
        }

        mutating func leave(_ reservation: Reservation) {
            reservations[ObjectIdentifier(reservation)] = nil
            changes += 1
        }

        /// A copy has taken more: it is not in what was found before, and may not be in what is being found.
        mutating func forgetSpare() {
            spare = nil
            changes += 1
        }
    }

    /// How long a look counts for further small artifacts, from its beginning: what it reads may be as old.
    static let lookLife = Duration.seconds(1)

    private let state: any StateStore
    private let maxReplicas: Int
    private let clock: any MonotonicClock
    private let evictor: Evictor
    private let books = Mutex<[PoolID: Book]>([:])

    /// - Parameter maxReplicas: The limit for each pool: even a small replica is a record in the state and an object in the pool.
    package init(
        state: any StateStore, remover: ReplicaRemover, uses: UseRecorder, maxReplicas: Int = 1_000_000, metrics: EngineMetrics,
        clock: any MonotonicClock, logger: Logger
    ) {
        self.state = state
        self.maxReplicas = maxReplicas
        self.clock = clock
        evictor = Evictor(state: state, remover: remover, uses: uses, metrics: metrics, logger: logger)
    }

    // MARK: Copies

    /// Begins to take room for an artifact. Checks that there is room for the stated size, but takes it only if that is no more than is taken in
    /// advance anyway, and nothing has to be deleted for it.
    ///
    /// - Parameter size: The size in bytes that the origin states; `nil` if it states none.
    /// - Parameter mayTakeAhead: Whether the origin is trusted to send what it states.
    /// - Throws: ``CopyError`` if the artifact is larger than the pool may be, or if there is no room for it now.
    func begin(_ size: Int64?, in pool: Pool, mayTakeAhead: Bool = true) async throws -> Reservation {
        let reservation = Reservation(of: self, in: pool, size: size, mayTakeAhead: mayTakeAhead)
        guard let size else { return enter(reservation) }
        if let limit = pool.maxBytes, size > limit {
            throw CopyError(.tooLarge, isTransient: false, "the artifact is larger than its pool may be (maxBytes)")
        }
        guard let room = try await takeAll(for: reservation) else { return reservation }
        guard Int128(size) <= room.limit.bytes else {
            throw Self.noRoom(pool, "the artifact is larger than what could be freed on the pool's disk")
        }
        let missing = room.missing + PoolAmount(bytes: Int128(size), replicas: 1)
        if !missing.isNothing, try await !evictor.has(missing, in: pool) {
            try await evictor.mark(missing.union(room.standby), in: pool)
            throw Self.noRoom(pool)
        }
        return enter(reservation)
    }

    /// Takes all the room for a small artifact if the pool has it, so that the copy need not look again when the bytes arrive.
    ///
    /// - Returns: The pool's room without the reservation; `nil` if the room was taken.
    private func takeAll(for reservation: Reservation) async throws -> PoolRoom? {
        let pool = reservation.pool
        guard reservation.takeAll() else { return try await room(of: pool) }
        if takeSpare(for: reservation) { return nil }
        // Counted before the look, so that no other copy gets the same room.
        enter(reservation)
        do {
            let (changes, began) = (books.withLock { $0[pool.id]?.changes }, clock.instant)
            let room = try await room(of: pool)
            guard room.missing.isNothing else {
                leave(reservation)
                return room.without(PoolAmount(bytes: Int128(reservation.takeBackAll()), replicas: 1))
            }
            if room.isNearlyFull {
                try await evictor.mark(room.standby, in: pool)
            } else {
                noteSpare(room.spare, in: pool.id, until: began + Self.lookLife, since: changes)
            }
            return nil
        } catch {
            leave(reservation)
            throw error
        }
    }

    /// Takes the room for a small artifact from what a look has found a moment ago: in a pool that is not nearly full, one look is enough for many.
    ///
    /// - Returns: Whether there was enough.
    private func takeSpare(for reservation: Reservation) -> Bool {
        let (id, now) = (reservation.pool.id, clock.instant)
        let needed = PoolAmount(bytes: Int128(reservation.bytes.reserved), replicas: 1)
        return books.withLock { books in
            guard let spare = books[id]?.spare, now < spare.end, spare.amount.covers(needed) else { return false }
            books[id]?.spare?.amount = spare.amount - needed
            books[id]?.enter(reservation)
            return true
        }
    }

    /// - Parameter changes: From before the look. What copies have taken or given back during the look is not in `spare`.
    private func noteSpare(_ spare: PoolAmount, in id: PoolID, until end: ContinuousClock.Instant, since changes: Int?) {
        books.withLock { books in
            if books[id]?.changes == changes { books[id]?.spare = (spare, end) }
        }
    }

    @discardableResult
    private func enter(_ reservation: Reservation) -> Reservation {
        books.withLock { $0[reservation.pool.id, default: Book()].enter(reservation) }
        return reservation
    }

    fileprivate func leave(_ reservation: Reservation) {
        books.withLock { $0[reservation.pool.id]?.leave(reservation) }
    }

    /// Makes room for what the copy has just reserved.
    fileprivate func makeRoom(for reservation: Reservation) async throws {
        let pool = reservation.pool
        books.withLock { $0[pool.id]?.forgetSpare() }
        let room = try await room(of: pool)
        if !room.missing.isNothing {
            try await free(pool)
            // Bytes that have not arrived yet do not need room for now.
            if try await !missing(in: pool).isNothing { reservation.cutBack() }
            guard try await missing(in: pool).isNothing else {
                try await evictor.mark(room.standby, in: pool)
                throw Self.noRoom(pool)
            }
        }
        if room.isNearlyFull { try await evictor.mark(room.standby, in: pool) }
    }

    private func free(_ pool: Pool) async throws {
        try await evictor.free(in: pool) { try await self.missing(in: pool) }
    }

    private func missing(in pool: Pool) async throws -> PoolAmount { try await room(of: pool).missing }

    // MARK: Whenever

    /// Makes room if the pool's storage is full although the pool seemed to have room.
    ///
    /// - Returns: Whether there is more room than before.
    func makeRoom(_ bytes: Int64, in pool: Pool) async throws -> Bool {
        let before = try await state.totals(of: pool.id).bytes
        // An artifact that is too large for the storage does not empty the pool for nothing.
        guard before >= bytes else { return false }
        try await evictor.free(in: pool) { [state] in
            PoolAmount(bytes: Int128(bytes) - Int128(before) + Int128(try await state.totals(of: pool.id).bytes))
        }
        if try await state.totals(of: pool.id).bytes < before { return true }
        try await evictor.mark(PoolAmount(bytes: Int128(bytes)).union(try await room(of: pool).standby), in: pool)
        return false
    }

    /// Brings a pool back within its limits, and marks replicas so that the next copies find room.
    func sweep(_ pool: Pool) async throws {
        evictor.recount(pool)
        let room = try await room(of: pool)
        if !room.missing.isNothing { try await free(pool) }
        try await evictor.mark(room.standby, in: pool)
    }

    private func room(of pool: Pool) async throws -> PoolRoom {
        async let space = pool.store.space()
        let totals = try await totals(of: pool.id)
        let copies = books.withLock { $0[pool.id]?.reservations.values.map(\.bytes) ?? [] }
        return PoolRoom(
            maxBytes: pool.maxBytes, maxReplicas: maxReplicas, space: try await space, totals: totals,
            copies: PoolAmount(bytes: copies.reduce(0) { $0 + Int128($1.reserved) }, replicas: Int128(copies.count)),
            stored: copies.reduce(0) { $0 + Int128($1.stored) })
    }

    /// While the state is unavailable, running copies use the last known totals.
    private func totals(of pool: PoolID) async throws -> PoolTotals {
        do {
            let totals = try await state.totals(of: pool)
            books.withLock { $0[pool, default: Book()].totals = totals }
            return totals
        } catch let error as StateError where error.code == .unavailable {
            guard let known = books.withLock({ $0[pool]?.totals }) else { throw error }
            return known
        }
    }

    /// - Parameter message: Why there is no room.
    static func noRoom(
        _ pool: Pool, _ message: String = "the pool is full, and everything in it was used recently", cause: (any Error)? = nil
    ) -> CopyError {
        CopyError(.noRoom, isTransient: false, message, rememberedFor: pool.grace, cause: cause)
    }
}

extension PoolSpace {
    /// The room that a running copy has taken; given back by ``release()``.
    final class Reservation: Sendable {
        private struct Bytes {
            var reserved: Int64 = 0
            var arrived: Int64 = 0
            /// All bytes but the last ones to arrive: they are in the pool by now, or nearly.
            var stored: Int64 = 0
            /// Whether room was made for the replica itself, which counts even if it is empty.
            var isBegun = false
        }

        fileprivate let pool: Pool
        private let space: PoolSpace
        private let size: Int64?
        private let mayTakeAhead: Bool
        private let state = Mutex(Bytes())

        fileprivate init(of space: PoolSpace, in pool: Pool, size: Int64?, mayTakeAhead: Bool) {
            self.space = space
            self.pool = pool
            self.size = size
            self.mayTakeAhead = mayTakeAhead
        }

        var bytes: (reserved: Int64, stored: Int64) { state.withLock { ($0.reserved, $0.stored) } }

        /// Takes room for bytes that have arrived, and some in advance.
        ///
        /// - Throws: ``CopyError`` if there is none.
        func take(_ count: Int) async throws {
            let isShort = state.withLock { bytes in
                bytes.stored = bytes.arrived
                bytes.arrived += Int64(count)
                guard bytes.arrived > bytes.reserved || !bytes.isBegun else { return false }
                bytes.isBegun = true
                bytes.reserved = min(bytes.arrived + ahead(of: bytes.arrived), max(size ?? .max, bytes.arrived))
                return true
            }
            if isShort { try await space.makeRoom(for: self) }
        }

        /// Takes room for all stated bytes, if that is no more than what is taken in advance when the first byte arrives.
        ///
        /// - Returns: Whether it did.
        fileprivate func takeAll() -> Bool {
            guard let size, size <= ahead(of: 0) else { return false }
            state.withLock { ($0.reserved, $0.isBegun) = (size, true) }
            return true
        }

        /// - Returns: How many bytes had been taken.
        fileprivate func takeBackAll() -> Int64 {
            state.withLock { bytes in
                defer { bytes = Bytes() }
                return bytes.reserved
            }
        }

        private func ahead(of arrived: Int64) -> Int64 {
            let ahead = mayTakeAhead ? SpaceAhead.bytes(after: arrived) : 0
            // A small pool is not emptied for bytes that may never arrive.
            return min(ahead, (pool.maxBytes ?? .max) / 64)
        }

        fileprivate func cutBack() { state.withLock { $0.reserved = $0.arrived } }

        func release() { space.leave(self) }
    }
}
