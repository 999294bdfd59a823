/// What a store says of a pool.
public struct PoolTotals: Sendable, Hashable {
    /// Present replicas, marked ones included.
    public var objects: Int
    /// Their bytes.
    public var bytes: Int64
    public var pending: Int
    public var errors: Int

    public init(objects: Int = 0, bytes: Int64 = 0, pending: Int = 0, errors: Int = 0) {
        self.objects = objects
        self.bytes = bytes
        self.pending = pending
        self.errors = errors
    }
}
