import MirrorCore

/// An amount of what a pool holds: bytes, and replicas, because even a small replica costs something.
///
/// 128 bits, because sums of what origins, pools and the state say may not fit in 64.
struct PoolAmount: Equatable {
    var bytes: Int128 = 0
    var replicas: Int128 = 0

    static func of(_ object: StoredObject) -> PoolAmount { PoolAmount(bytes: Int128(object.size), replicas: 1) }

    /// Whether neither number is above 0.
    var isNothing: Bool { bytes <= 0 && replicas <= 0 }

    func covers(_ other: PoolAmount) -> Bool { bytes >= other.bytes && replicas >= other.replicas }

    /// The smallest amount that covers both.
    func union(_ other: PoolAmount) -> PoolAmount {
        PoolAmount(bytes: max(bytes, other.bytes), replicas: max(replicas, other.replicas))
    }

    static func + (one: PoolAmount, other: PoolAmount) -> PoolAmount {
        PoolAmount(bytes: one.bytes + other.bytes, replicas: one.replicas + other.replicas)
    }

    static func - (one: PoolAmount, other: PoolAmount) -> PoolAmount {
        PoolAmount(bytes: one.bytes - other.bytes, replicas: one.replicas - other.replicas)
    }
}
