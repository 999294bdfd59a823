import MirrorCore
import MirrorStorage

/// What to prepare for publication. If it cannot be published, the engine chooses another way or ends the attempt (``CopyEngine/way(after:of:)``).
enum CopyWay: Sendable {
    /// The pool's service copies from the origin or another pool if it can; otherwise the bytes pass through this process.
    case copying(WriteCondition)
    /// The bytes pass through this process, because the pool's service did not copy.
    ///
    /// - Parameter size: The artifact's size in bytes, if the origin has stated it; the stored object must have the same.
    case carrying(WriteCondition, size: Int64?)
    /// Nothing is copied: the object that is already there becomes the replica, unless it is too old.
    case adopting(UnpublishedCopy)

    /// How each attempt begins.
    static let first = CopyWay.copying(.absent)
}

/// What a copy contains, to be compared with an object that the pool already has.
struct UnpublishedCopy: Sendable {
    /// Bytes.
    let size: Int64
    let metadata: ObjectMetadata

    /// Whether the object has the bytes of the copy, judging by size and SHA-256, or by a strong ETag.
    func isSame(as object: ObjectInfo) -> Bool {
        guard object.size == size else { return false }
        if let sha256 = metadata.sha256, let other = object.metadata.sha256 { return sha256 == other }
        // A weak ETag says nothing about bytes.
        return metadata.upstreamETag?.hasPrefix("\"") ?? false && metadata.upstreamETag == object.metadata.upstreamETag
    }
}
