import MirrorCore

/// The name of a replica in ``HotMemory``: the hash of its artifact's name, as in its object's key, and its pool's number.
struct HotKey: Equatable, Sendable {
    let name: SIMD4<UInt64>
    let pool: UInt16

    /// Keyed by the process's random seed, so that nobody can prepare names that collide.
    var hash: UInt64 {
        var hasher = Hasher()
        for index in 0..<4 { hasher.combine(name[index]) }
        hasher.combine(pool)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
