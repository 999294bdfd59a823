public import MirrorCore

/// A queue of copy jobs within a pool, which a worker can pass over. Each origin has its own, so that no origin holds up the others.
public struct CopyLane: Sendable, Hashable, CustomStringConvertible {
    /// `https://host`, with the port unless it is the scheme's default.
    public let description: String

    private init(_ description: String) {
        self.description = description
    }

    /// A lane as it was recorded.
    package init(written description: String) {
        self.init(description)
    }

    /// The lane of an artifact's origin.
    public init(of artifact: ArtifactURL) {
        self.init("\(artifact.scheme.rawValue)://\(artifact.authority)")
    }

    /// The lane of jobs whose last attempt never ended, whatever their origin.
    ///
    /// One of them may have crashed its process. A worker that makes only one of them at a time never loses two of them to the same crash.
    public static let unfinished = CopyLane("unfinished")
}

/// The number of jobs in a lane.
public struct LaneTotals: Sendable, Hashable {
    /// The lane.
    public let lane: CopyLane
    /// Queued and leased jobs.
    public let jobs: Int

    public init(lane: CopyLane, jobs: Int) {
        self.lane = lane
        self.jobs = jobs
    }

    /// The lanes with the most jobs, largest first.
    package static func busiest(_ totals: some Sequence<LaneTotals>, limit: Int) -> [LaneTotals] {
        Array(totals.sorted { ($1.jobs, $0.lane.description) < ($0.jobs, $1.lane.description) }.prefix(StatePage.length(limit)))
    }
}
