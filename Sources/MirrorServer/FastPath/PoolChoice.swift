import MirrorCore
import MirrorEngine

/// How a request got its pool. Part of the keys under which answers are remembered and shared, so that no client gets an answer that is meant
/// for another pool's clients.
enum PoolChoice: Hashable, Sendable {
    /// The target names the pool.
    case named
    /// This pool of ``PoolTable/all`` was chosen for the client, for this reason, which the answer states; or the client named it in a field.
    case chosen(Int, PoolReason)
    /// No pool serves the client: it is redirected to the origin.
    case origin

    /// The choice for a client whose request names no pool.
    init(_ selector: PoolSelector, for client: IPAddress?, of pools: PoolTable) {
        let (id, reason) = selector.choice(for: client)
        guard let id, let index = pools.index(of: id) else {
            self = .origin
            return
        }
        self = .chosen(index, reason)
    }

    /// The choice of a client that names its pool in the field `X-Cloud-Mirror-Pool`.
    ///
    /// - Returns: `nil` if there is no such pool.
    init?(naming name: some StringProtocol, of pools: PoolTable) {
        guard let id = PoolID(String(name)), let index = pools.index(of: id) else { return nil }
        self = .chosen(index, .named)
    }

    /// Why this pool.
    var reason: PoolReason {
        switch self {
        case .named: .named
        case .chosen(_, let reason): reason
        case .origin: .fallback
        }
    }
}
