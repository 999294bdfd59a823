import MirrorState
import MirrorStorage

/// How full a pool is: what it may hold (according to `maxBytes`, its file system, and the maximum number of replicas), and what is taken.
struct PoolRoom {
    /// Larger than any sum of sizes, and small enough to be multiplied without overflow.
    private static let unlimited = Int128.max >> 16

    /// What the pool may hold.
    let limit: PoolAmount
    /// What replicas and running copies take.
    private var taken: PoolAmount

    /// - Parameter copies: What running copies have reserved.
    /// - Parameter stored: How many of those bytes are already stored.
    init(maxBytes: Int64?, maxReplicas: Int, space: StoreSpace?, totals: PoolTotals, copies: PoolAmount, stored: Int128) {
        let held = PoolAmount(bytes: Int128(totals.bytes), replicas: Int128(totals.objects))
        // The pool could take all of the disk that is free or that it already uses.
        let onDisk = space.map { held.bytes + stored + Int128($0.usable) }
        let bytes = [maxBytes.map { Int128($0) }, onDisk].compactMap(\.self).min()
        limit = PoolAmount(bytes: bytes ?? Self.unlimited, replicas: Int128(maxReplicas))
        taken = held + copies
    }

    /// The same with less taken.
    func without(_ amount: PoolAmount) -> PoolRoom {
        var room = self
        room.taken = taken - amount
        return room
    }

    /// What must be deleted; not above 0 if there is room.
    var missing: PoolAmount { taken - limit }

    /// Whether replicas should be marked in advance. With very many replicas, a small part is enough for the next copies.
    var isNearlyFull: Bool { !beyond(bytes: (19, 20), replicas: (199, 200)).isNothing }

    /// What may still be taken before the pool is nearly full.
    var spare: PoolAmount { PoolAmount() - beyond(bytes: (19, 20), replicas: (199, 200)) }

    /// What should be marked, so that the next copies find room at once.
    var standby: PoolAmount { beyond(bytes: (9, 10), replicas: (99, 100)) }

    /// How much is taken beyond the given fractions of what the pool may hold.
    private func beyond(bytes: (Int128, Int128), replicas: (Int128, Int128)) -> PoolAmount {
        taken
            - PoolAmount(bytes: limit.bytes * bytes.0 / bytes.1, replicas: limit.replicas * replicas.0 / replicas.1)
    }
}
