public import MirrorCore

extension ObjectKey {
    /// The order of listings: by the keys' UTF-8 bytes, as every object store sorts.
    public func precedes(_ other: ObjectKey) -> Bool {
        description.utf8.lexicographicallyPrecedes(other.description.utf8)
    }
}
