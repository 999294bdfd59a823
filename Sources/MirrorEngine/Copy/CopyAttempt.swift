import MirrorCore

/// An attempt at a copy.
struct CopyAttempt: Sendable {
    let origin: OriginReader
    let pool: Pool
    /// Counted from 1. Only the first attempt tries ranges; later ones read one stream.
    let number: Int
    /// When the job was queued. An object that the pool has from before then does not become the replica; it is replaced.
    let queuedAt: Timestamp
    /// Records what the origin sends.
    let progress: CopyProgress

    var artifact: ArtifactURL { origin.artifact }
}
