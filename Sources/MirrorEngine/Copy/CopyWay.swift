import MirrorCore
import MirrorStorage

/// What is prepared to be published. A copy that is not published leads to another way, or to the attempt's end (``CopyEngine/way(after:of:)``).
enum CopyWay: Sendable {
    /// The pool's service copies where it can, from the origin or from another pool; else the bytes pass through here.
    case copying(WriteCondition)
    /// The bytes pass through here, because the pool's service did not copy.
    ///
    /// - Parameter size: Bytes of the artifact, where the origin has stated them: what is stored has just as many.
    case carrying(WriteCondition, size: Int64?)
    /// Nothing is copied: the object that stands in the way becomes the replica, unless it is too old.
    case adopting(UnpublishedCopy)

    /// How each attempt begins.
    static let first = CopyWay.copying(.absent)
}

/// A copy that was not published, because the pool has an object in its place.
struct UnpublishedCopy: Sendable {
    /// Bytes.
    let size: Int64
    let metadata: ObjectMetadata

    /// Whether the object holds the bytes of the copy, as far as anybody says.
    func isSame(as object: ObjectInfo) -> Bool {
        guard object.size == size else { return false }
        if let sha256 = metadata.sha256, let other = object.metadata.sha256 { return sha256 == other }
        // A weak one says nothing of bytes.
        return metadata.upstreamETag?.hasPrefix("\"") ?? false && metadata.upstreamETag == object.metadata.upstreamETag
    }
}
