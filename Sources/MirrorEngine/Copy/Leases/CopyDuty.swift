import MirrorCore
package import MirrorState

/// For which pools a process makes copies.
package enum CopyDuty: Sendable {
    /// For all its pools.
    case always
    /// For pools that no registered copier serves. Used by front ends, which should be free to answer requests.
    ///
    /// - Parameter patience: How soon a pool is taken over after its last copier died.
    case withoutCopiers(any CopierRegistry, patience: Duration)

    /// How long the answer of ``pools(among:)`` can be used for leases in passing; `nil` for always.
    var passingLife: Duration? {
        switch self {
        case .always: nil
        case .withoutCopiers: .seconds(1)
        }
    }

    /// The pools to make copies for now.
    ///
    /// - Returns: Also the time after which to ask again, if the answer may change without notification.
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
