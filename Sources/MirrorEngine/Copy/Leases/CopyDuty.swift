import MirrorCore
package import MirrorState

/// Whose copies a process makes.
package enum CopyDuty: Sendable {
    /// Those of all its pools.
    case always
    /// Those of pools that no registered copier looks after: for a front end, which has better things to do.
    ///
    /// - Parameter patience: How soon a pool is taken over whose last copier died.
    case withoutCopiers(any CopierRegistry, patience: Duration)

    /// The pools to copy for now.
    ///
    /// - Returns: With the time after which to ask again, where the answer may change without a word.
    func pools(among all: Set<PoolID>) async throws -> (pools: Set<PoolID>, validFor: Duration?) {
        switch self {
        case .always:
            return (all, nil)
        case .withoutCopiers(let registry, let patience):
            let taken = try await registry.poolsWithCopiers(among: all)
            return (all.subtracting(taken), taken.isEmpty ? nil : patience)
        }
    }
}
