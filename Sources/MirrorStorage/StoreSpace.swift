/// How much the place can take that a store writes to.
public struct StoreSpace: Sendable, Hashable {
    /// Bytes of the file system in all.
    public var total: Int64
    /// Bytes that are free.
    public var free: Int64
    /// Bytes that are to stay free.
    public var kept: Int64

    public init(total: Int64, free: Int64, kept: Int64 = 0) {
        self.total = total
        self.free = free
        self.kept = kept
    }

    /// Bytes that uploads can still take.
    public var usable: Int64 { free > kept ? free - kept : 0 }
}
