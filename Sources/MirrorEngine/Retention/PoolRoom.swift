import MirrorState
import MirrorStorage

/// How full a pool is: what it may hold, by `maxBytes`, by its file system and in number, and what is taken.
struct PoolRoom {
    /// Beyond all sums of sizes, and far enough from the end for products of it.
    private static let unlimited = Int128.max >> 16

    /// What the pool may hold.
    let limit: PoolAmount
    /// By replicas, and by copies under way.
    private let taken: PoolAmount

    /// - Parameter copies: What copies under way have reserved.
    /// - Parameter stored: Bytes of it that are stored.
    init(maxBytes: Int64?, maxReplicas: Int, space: StoreSpace?, totals: PoolTotals, copies: PoolAmount, stored: Int128) {
        let held = PoolAmount(bytes: Int128(totals.bytes), replicas: Int128(totals.objects))
        // What is in the pool could go, and what is free could come.
        let onDisk = space.map { held.bytes + stored + Int128($0.usable) }
        let bytes = [maxBytes.map { Int128($0) }, onDisk].compactMap(\.self).min()
        limit = PoolAmount(bytes: bytes ?? Self.unlimited, replicas: Int128(maxReplicas))
        taken = held + copies
    }

    /// What has to go; nothing when there is room.
    var missing: PoolAmount { taken - limit }

    /// Whether replicas are to be marked ahead of need. Of very many replicas a small part is enough for the next copies.
    var isNearlyFull: Bool { !beyond(bytes: (19, 20), replicas: (199, 200)).isNothing }

    /// What is to be marked, so that the next copies find room at once.
    var standby: PoolAmount { beyond(bytes: (9, 10), replicas: (99, 100)) }

    /// What is taken beyond parts of what the pool may hold.
    private func beyond(bytes: (Int128, Int128), replicas: (Int128, Int128)) -> PoolAmount {
        taken
            - PoolAmount(bytes: limit.bytes * bytes.0 / bytes.1, replicas: limit.replicas * replicas.0 / replicas.1)
    }
}
