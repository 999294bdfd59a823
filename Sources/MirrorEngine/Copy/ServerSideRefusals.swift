import MirrorCore
import MirrorStorage
import Synchronization

/// Remembers for a while which buckets a pool's service would not copy from, so that not every copy asks in vain.
final class ServerSideRefusals: Sendable {
    private static let life: Duration = .seconds(600)
    /// Buckets are configured, so there are never many.
    private static let maxHeld = 1_000

    private struct Pair: Hashable {
        let endpoint: String
        let bucket: String
        let pool: PoolID
    }

    private let refused = Mutex<[Pair: Timestamp]>([:])

    func contains(_ source: CopySource, _ pool: PoolID, at now: Timestamp) -> Bool {
        refused.withLock { refused in
            guard let since = refused[Pair(endpoint: source.endpoint, bucket: source.bucket, pool: pool)] else { return false }
            return since.duration(to: now) < Self.life
        }
    }

    func insert(_ source: CopySource, _ pool: PoolID, at now: Timestamp) {
        refused.withLock { refused in
            if refused.count >= Self.maxHeld { refused = [:] }
            refused[Pair(endpoint: source.endpoint, bucket: source.bucket, pool: pool)] = now
        }
    }
}
