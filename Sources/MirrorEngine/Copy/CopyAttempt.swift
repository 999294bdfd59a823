import MirrorCore

/// One attempt at one copy.
struct CopyAttempt: Sendable {
    let origin: OriginReader
    let pool: Pool
    /// From 1. Ranges are tried once; an origin that stumbled over them is read as one stream after that.
    let number: Int
    /// An object that the pool has from before that does not become the replica, and is replaced.
    let queuedAt: Timestamp
    /// Told what the origin sends.
    let progress: CopyProgress

    var artifact: ArtifactURL { origin.artifact }
}
