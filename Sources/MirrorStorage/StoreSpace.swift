/// The space where a store writes.
public struct StoreSpace: Sendable, Hashable {
    /// The size of the file system in bytes.
    public var total: Int64
    /// Free bytes.
    public var free: Int64
    /// Bytes that have to stay free.
    public var kept: Int64

    public init(total: Int64, free: Int64, kept: Int64 = 0) {
        self.total = total
        self.free = free
        self.kept = kept
    }

    /// Bytes that uploads can still use.
    public var usable: Int64 { free > kept ? free - kept : 0 }
}
