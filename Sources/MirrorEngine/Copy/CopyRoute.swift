import MirrorCore
package import MirrorStorage

/// How an artifact gets into a pool if nothing fails, as ``CopyEngine`` would decide; for the documentation.
package enum CopyRoute: Sendable, Hashable {
    /// The pool's service copies it from another of its buckets.
    case copiedByService
    /// The pool's service fetches it from its URL.
    case fetchedByService
    /// Its parts pass through this process, several at the same time.
    case ranges
    /// One answer, which passes through this process.
    case stream

    /// What the route depends on, besides the pool.
    package struct Artifact: Sendable {
        /// In bytes; above 0.
        package var size: Int64
        /// Whether the origin answers with ranges, and with a strong entity tag.
        package var acceptsRanges: Bool
        /// Whether it is in a bucket of the pool's service that the pool may read.
        package var isInService: Bool

        package init(size: Int64, acceptsRanges: Bool = true, isInService: Bool = false) {
            self.size = size
            self.acceptsRanges = acceptsRanges
            self.isInService = isInService
        }
    }

    /// - Parameter capabilities: Those of the pool's store.
    package init(
        of artifact: Artifact, into capabilities: StoreCapabilities, _ configuration: CopyConfiguration = .defaults
    ) throws {
        let planner = CopyPlanner(capabilities: capabilities, partSize: configuration.partSize, memory: configuration.memory)
        if artifact.isInService, capabilities.features.contains(.serverSideCopy) {
            self = .copiedByService
            return
        }
        let plan = try Self.plan(of: artifact, planner)
        if planner.mayFetchInService(plan) {
            self = .fetchedByService
            return
        }
        switch plan {
        case .ranges, .bufferedRanges, .rangesInOrder: self = .ranges
        case .stream, .bufferedStream: self = .stream
        }
    }

    private static func plan(of artifact: Artifact, _ planner: CopyPlanner) throws -> CopyPlan {
        let partSize = planner.partSize(of: artifact.size)
        if planner.canRange, artifact.acceptsRanges, let range = ByteRange(offset: 0, length: partSize),
            let held = range.clamped(toSize: artifact.size)
        {
            let first = try response(206, ("Content-Range", "bytes 0-\(held.end - 1)/\(artifact.size)"), requested: range)
            if let plan = planner.plan(first: first, partSize: partSize) { return plan }
        }
        return planner.whole(try response(200, ("Content-Length", "\(artifact.size)"), requested: nil))
    }

    /// An answer of the origin.
    private static func response(
        _ status: Int, _ field: (name: String, value: String), requested: ByteRange?
    ) throws -> OriginResponse {
        let answer = BucketAnswer(status: status, headers: [("ETag", "\"v1\""), field], body: ByteStream(chunks: []))
        let url = try ArtifactURL("https://origin.example.org/artifact")
        return try OriginResponse(OriginAnswer(answer, of: url), requested: requested, now: Timestamp(milliseconds: 0))
    }
}
