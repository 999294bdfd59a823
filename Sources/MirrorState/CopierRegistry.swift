package import MirrorCore

/// Who copies for which pools, where many processes share one state.
///
/// A copier that is only there to copy registers; front ends leave its pools to it for as long as it lives.
package protocol CopierRegistry: Sendable {
    /// Says that a copier lives; to be said again before `life` is over.
    ///
    /// - Parameter name: The same each time, and nobody else's.
    func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws

    /// Says that a copier leaves.
    func unregister(copier name: String, pools: Set<PoolID>) async throws

    /// Those among the pools for which at least one registered copier lives, and those of which that cannot be found out.
    ///
    /// - Throws: ``StateError/Code/unavailable`` when it cannot be found out of any.
    func poolsWithCopiers(among pools: Set<PoolID>) async throws -> Set<PoolID>
}
