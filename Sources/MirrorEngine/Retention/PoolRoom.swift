import MirrorState
import MirrorStorage

/// How full a pool is: what it may hold, by `maxBytes` and by its file system, and what is taken.
///
/// 128 bits, because sums of what origins, pools and the state say could be too large for 64.
struct PoolRoom {
    /// Of what the pool may hold; when more than that is taken, replicas are marked ahead of need.
    private static let high = (19 as Int128, 20 as Int128)
    /// Of what the pool may hold: beyond it as much is marked as is taken.
    private static let low = (9 as Int128, 10 as Int128)

    /// Bytes that the pool may hold.
    let limit: Int128
    /// Bytes of replicas, and those that copies under way have reserved.
    let taken: Int128

    /// - Parameter reserved: By copies under way, with what of it is stored.
    /// - Returns: `nil` where there is no limit.
    init?(maxBytes: Int64?, space: StoreSpace?, totals: PoolTotals, reserved: Int128, stored: Int128) {
        let held = Int128(totals.bytes)
        // What is in the pool could go, and what is free could come.
        let onDisk = space.map { held + stored + Int128($0.usable) }
        guard let limit = [maxBytes.map { Int128($0) }, onDisk].compactMap(\.self).min() else { return nil }
        self.limit = limit
        taken = held + reserved
    }

    /// Bytes that have to go; 0 or less when there is room.
    var missing: Int128 { taken - limit }

    var isNearlyFull: Bool { taken * Self.high.1 > limit * Self.high.0 }

    /// Bytes that are to be marked, so that the next copies find room at once.
    var standby: Int128 { max(taken - limit * Self.low.0 / Self.low.1, 0) }
}
