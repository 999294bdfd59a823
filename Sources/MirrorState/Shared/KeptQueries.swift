import DequeModule
package import MirrorCore
import Synchronization

/// The queries that a store keeps for the copies of its own process (``StateStore/keepQuery(_:for:)``), only in memory.
///
/// Bounded in number, bytes and age; when it is full, the oldest query is dropped, and its copy is made without it.
package final class KeptQueries: Sendable {
    fileprivate struct Entry {
        let query: FetchQuery
        /// The number of its entry in `order`.
        let number: Int
        let since: ContinuousClock.Instant
    }

    fileprivate struct State {
        var entries: [ReplicaID: Entry] = [:]
        var bytes = 0
        /// Oldest first. Entries that have been replaced or dropped since have another number.
        var order = Deque<(id: ReplicaID, number: Int)>()
        var lastNumber = 0
    }

    private let state = Mutex(State())
    private let clock: any MonotonicClock
    private let maxCount: Int
    private let maxBytes: Int

    package init(clock: any MonotonicClock, maxCount: Int = 10_000, maxBytes: Int = 16 << 20) {
        self.clock = clock
        self.maxCount = maxCount
        self.maxBytes = maxBytes
    }

    package func keep(_ query: FetchQuery, for id: ReplicaID) {
        let (bytes, now) = (Self.bytes(query, id), clock.instant)
        state.withLock { state in
            state.remove(id)
            state.lastNumber += 1
            state.entries[id] = Entry(query: query, number: state.lastNumber, since: now)
            state.bytes += bytes
            state.order.append((id, state.lastNumber))
            while state.entries.count > maxCount || state.bytes > maxBytes { state.removeOldest() }
            state.compact()
        }
    }

    /// The name counts too, because strangers can make it up like the query.
    fileprivate static func bytes(_ query: FetchQuery, _ id: ReplicaID) -> Int {
        query.text.utf8.count + id.artifact.description.utf8.count
    }

    package func query(for id: ReplicaID) -> FetchQuery? {
        let now = clock.instant
        return state.withLock { state in
            guard let entry = state.entries[id] else { return nil }
            guard entry.since.duration(to: now) < FetchQuery.life else {
                state.remove(id)
                return nil
            }
            return entry.query
        }
    }

    package func drop(_ id: ReplicaID) {
        state.withLock { $0.remove(id) }
    }

    /// The number of entries in the order; outdated ones are dropped now and then.
    var orderCount: Int { state.withLock { $0.order.count } }

    package func dropAll() {
        state.withLock { $0 = State() }
    }
}

extension KeptQueries.State {
    fileprivate mutating func remove(_ id: ReplicaID) {
        if let old = entries.removeValue(forKey: id) { bytes -= KeptQueries.bytes(old.query, id) }
    }

    fileprivate mutating func removeOldest() {
        guard let (id, number) = order.popFirst() else { return }
        if entries[id]?.number == number { remove(id) }
    }

    /// Keeps outdated entries from piling up in the order.
    fileprivate mutating func compact() {
        if order.count > 2 * entries.count + 64 { order = order.filter { entries[$0.id]?.number == $0.number } }
    }
}
