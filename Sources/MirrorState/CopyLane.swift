public import MirrorCore

/// A queue of copy jobs within a pool, which a worker can pass over: each origin has one, so that none holds up the others.
public struct CopyLane: Sendable, Hashable, CustomStringConvertible {
    /// `https://host`, with the port where it is not the scheme's own.
    public let description: String

    private init(_ description: String) {
        self.description = description
    }

    /// A lane as it was written down.
    package init(written description: String) {
        self.init(description)
    }

    /// The lane of an artifact's origin.
    public init(of artifact: ArtifactURL) {
        self.init("\(artifact.scheme.rawValue)://\(artifact.authority)")
    }

    /// The lane of jobs whose last attempt never ended, whatever their origin.
    ///
    /// One of them may be what ended its process. A worker that makes no more than one of them at a time never loses two for the same crash.
    public static let unfinished = CopyLane("unfinished")
}

/// What a store says of a lane.
public struct LaneTotals: Sendable, Hashable {
    /// Which one it is.
    public let lane: CopyLane
    /// Queued and leased.
    public let jobs: Int

    public init(lane: CopyLane, jobs: Int) {
        self.lane = lane
        self.jobs = jobs
    }

    /// Those with most jobs first.
    package static func busiest(_ totals: some Sequence<LaneTotals>, limit: Int) -> [LaneTotals] {
        Array(totals.sorted { ($1.jobs, $0.lane.description) < ($0.jobs, $1.lane.description) }.prefix(StatePage.length(limit)))
    }
}
