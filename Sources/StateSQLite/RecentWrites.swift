import MirrorCore
import MirrorState
import Synchronization

/// What a process remembers of its own writes to the state file. Changed only on the writer's queue, after commits.
final class RecentWrites: Sendable {
    private struct State {
        var lastTime: Timestamp
        /// The newest token of each leased job; at most as many as there are jobs.
        var tokens: [ReplicaID: Int64] = [:]
    }

    private let state: Mutex<State>
    /// Whether this process serves from the file, and so makes all changes.
    private let isServing: Bool

    /// - Parameter start: When this process took over the file, and ended all leases; `nil` if it did not. Then its first write corrects times in the future.
    init(since start: Timestamp?) {
        isServing = start != nil
        state = Mutex(State(lastTime: start ?? Timestamp(milliseconds: .max)))
    }

    func note(_ transaction: StateTransaction) {
        state.withLock { state in
            state.lastTime = transaction.now
            for (id, token) in transaction.tokens { state.tokens[id] = token }
        }
    }

    /// Whether this process has written, or serves from the file.
    var isWriting: Bool { state.withLock { $0.lastTime < Timestamp(milliseconds: .max) } }

    /// Whether the clock was set back since the last write.
    func isPutBack(_ now: Timestamp) -> Bool { state.withLock { now < $0.lastTime } }

    /// Whether a lease is known to be the newest of its job. Nobody but the process that serves from the file leases jobs; if `false`, the file decides.
    func isNewest(_ lease: CopyLease) -> Bool {
        isServing && state.withLock { $0.tokens[lease.id] == lease.token }
    }
}
