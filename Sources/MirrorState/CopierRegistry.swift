package import MirrorCore

/// Which copiers copy for which pools, if many processes share one state.
///
/// Dedicated copiers register; front ends leave their pools to them as long as they live.
package protocol CopierRegistry: Sendable {
    /// Reports that a copier is alive; repeat it before `life` has passed.
    ///
    /// - Parameter name: The same each time, and unique to the copier.
    func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws

    /// Reports that a copier leaves.
    func unregister(copier name: String, pools: Set<PoolID>) async throws

    /// The pools for which at least one registered copier is alive, and those for which that cannot be determined.
    ///
    /// - Throws: ``StateError/Code/unavailable`` if it cannot be determined for any pool.
    func poolsWithCopiers(among pools: Set<PoolID>) async throws -> Set<PoolID>
}
