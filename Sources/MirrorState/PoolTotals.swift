/// The number of replicas in a pool.
public struct PoolTotals: Sendable, Hashable {
    /// Present replicas, marked ones included.
    public var objects: Int
    /// Their bytes.
    public var bytes: Int64
    /// Replicas with a copy job, queued or in progress.
    public var pending: Int
    /// Replicas whose last copy failed.
    public var errors: Int

    public init(objects: Int = 0, bytes: Int64 = 0, pending: Int = 0, errors: Int = 0) {
        self.objects = objects
        self.bytes = bytes
        self.pending = pending
        self.errors = errors
    }
}
