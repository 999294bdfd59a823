import MirrorCore
import MirrorEngine

/// How a request got its pool: a part of the keys under which answers are remembered and shared, so that no client gets one that is meant for
/// another pool's clients.
enum PoolChoice: Hashable, Sendable {
    /// The target names the pool.
    case named
    /// This one of ``PoolTable/all`` was chosen for the client.
    case chosen(Int)
    /// No pool serves the client: it is redirected to the origin.
    case origin

    /// The choice for a client whose request names no pool.
    init(_ selector: PoolSelector, for client: IPAddress?, of pools: PoolTable) {
        guard let id = selector.pool(for: client), let index = pools.index(of: id) else {
            self = .origin
            return
        }
        self = .chosen(index)
    }
}
