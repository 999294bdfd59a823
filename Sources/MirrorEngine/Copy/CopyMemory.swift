import MirrorCore
import MirrorState
import Synchronization

/// Memory for the parts of all copies, of which one origin's copies hold a share at most, as of the slots.
final class CopyMemory: Sendable {
    private struct Share {
        let budget: ByteBudget
        /// Copies that use it.
        var users = 0
    }

    private let whole: ByteBudget
    private let shareSize: Int64
    private let shares = Mutex<[CopyLane: Share]>([:])

    init(_ configuration: CopyConfiguration) {
        whole = ByteBudget(configuration.memory)
        let share = Double(min(configuration.maxPerOrigin, configuration.concurrency)) / Double(configuration.concurrency)
        shareSize = max(1, Int64(Double(configuration.memory) * share))
    }

    /// Whether copies wait for memory that other origins' copies hold.
    var isShort: Bool { whole.waitingCount > 0 }

    /// Runs a copy with the share of its origin.
    func withShare<Value>(of artifact: ArtifactURL, _ body: (ByteBudget) async throws -> Value) async throws -> Value {
        let origin = CopyLane(of: artifact)
        let budget = shares.withLock { shares in
            var share = shares[origin] ?? Share(budget: ByteBudget(shareSize, of: whole))
            share.users += 1
            shares[origin] = share
            return share.budget
        }
        defer {
            shares.withLock { shares in
                shares[origin]?.users -= 1
                if shares[origin]?.users == 0 { shares[origin] = nil }
            }
        }
        return try await body(budget)
    }
}
