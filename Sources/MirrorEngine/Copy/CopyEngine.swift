import Logging
import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import MirrorTracing
import NIOCore
import NamedOrigins

/// Brings the bytes of artifacts from their origins into pools, or from one pool into another, verified and ready to be published in one step. It
/// publishes nothing itself.
struct CopyEngine: Sendable {
    let space: PoolSpace
    let configuration: CopyConfiguration
    let metrics: EngineMetrics
    let clock: any MirrorClock
    let logger: Logger
    let credit: OriginCredit
    let memory: CopyMemory
    let replicas: ReplicaSources
    let refusals = ServerSideRefusals()

    /// Fetches and verifies what will be published.
    ///
    /// - Throws: ``CopyError``, `StorageError`, `OutboundError`, or `CancellationError`; nothing is held after an error.
    func prepare(_ attempt: CopyAttempt, by way: CopyWay) async throws -> PreparedCopy {
        switch way {
        case .copying(let condition):
            try await prepareFromNearest(attempt, condition)
        case .carrying(let condition, let size):
            try await carry(attempt, condition, size: size, orPull: nil)
        case .adopting(let copy):
            PreparedCopy(attempt: attempt, content: .inTheWay, condition: .absent, copy: copy, room: nil, replica: nil)
        }
    }

    // MARK: Copied by the service

    /// Prepares a copy by the pool's service itself, so that no byte of the artifact passes through this process.
    ///
    /// - Parameter replica: The pool that `source` is in; `nil` if it is the origin's.
    /// - Parameter stated: The artifact's size in bytes, as stated by the origin.
    func prepareInService(
        _ attempt: CopyAttempt, _ source: ServiceSource, _ metadata: ObjectMetadata, replica: PoolID?, stated: Int64?,
        _ condition: WriteCondition
    ) async throws -> PreparedCopy {
        let pool = attempt.pool
        let limit = limit(of: pool)
        if source.size > limit { throw CopyError.tooLarge(limit: limit) }
        attempt.progress.begin(CopyProgress.Arrival(size: source.size, isInService: true))
        let room = try await space.begin(source.size, in: pool)
        do {
            // The service stores all of it at once.
            try await room.take(Int(clamping: source.size))
        } catch {
            room.release()
            throw error
        }
        return PreparedCopy(
            attempt: attempt, content: .ofService(source, stated: stated), condition: condition,
            copy: UnpublishedCopy(size: source.size, metadata: metadata), room: room, replica: replica)
    }

    /// A source that the pool's service can fetch by itself: an artifact of several parts, with a strong ETag that identifies its version.
    ///
    /// An artifact of a single part has arrived with the answer, so its SHA-256 can be computed here. One whose URL has a digest is carried: the service
    /// does not compare that.
    ///
    /// - Parameter digests: What the origin has stated about the whole artifact before.
    private func pullSource(
        _ attempt: CopyAttempt, _ first: OriginResponse, _ plan: CopyPlan, _ digests: [Digest]
    ) async throws -> URLSource? {
        let store = attempt.pool.store
        guard store.capabilities.features.contains(.pullsURLs), attempt.origin.knownDigest == nil, let size = first.totalSize,
            let etag = first.strongETag
        else { return nil }
        switch plan {
        case .bufferedRanges, .rangesInOrder: break
        case .stream, .bufferedStream, .ranges: return nil
        }
        guard let place = try await attempt.origin.reach(from: first.url, life: Self.pullLife) else { return nil }
        let source = URLSource(
            url: place.url, isPublic: place.isPublic, size: size, etag: etag, digests: Array(Set(first.statedDigests + digests)))
        return store.canPull(from: source) && !refusals.contains(.url(source), of: attempt, at: clock.instant) ? source : nil
    }

    /// How long a URL that a service fetches from must stay valid: the longest that the fetch may take.
    private static let pullLife = Duration.seconds(3_600)

    // MARK: Carried through here

    /// - Parameter size: The artifact's size in bytes, if the origin has stated it; the stored object must have the same.
    /// - Parameter orPull: What the origin has stated about the whole artifact, if the pool's service may fetch it instead; `nil` if it may not.
    func carry(
        _ attempt: CopyAttempt, _ condition: WriteCondition, size: Int64?, orPull digests: [Digest]?
    ) async throws -> PreparedCopy {
        let pool = attempt.pool
        let planner = CopyPlanner(
            capabilities: pool.store.capabilities, partSize: configuration.partSize, memory: configuration.memory)
        var limit = limit(of: pool)
        let (first, plan) = try await attempt.progress.whileWaiting {
            try await begin(attempt.origin, planner, size: size, mayRange: attempt.number == 1)
        }
        try refusePage(first, of: attempt)
        if case .bufferedStream = plan { limit = min(limit, planner.wholeLimit) }
        if let size = first.totalSize, size > limit { throw CopyError.tooLarge(limit: limit) }
        if let digests, let source = try await pullSource(attempt, first, plan, digests) {
            return try await prepareInService(
                attempt, .url(source), first.metadata(of: attempt.artifact, stored: clock.now), replica: nil, stated: first.totalSize,
                condition)
        }
        attempt.progress.begin(CopyProgress.Arrival(size: first.totalSize))
        let lane = CopyLane(of: attempt.artifact)
        let room = try await space.begin(first.totalSize, in: pool, mayTakeAhead: credit.isGood(lane))
        do {
            return try await store(first, plan, attempt, condition, room: room, limit: limit)
        } catch {
            defer { room.release() }
            if let error = error as? StorageError, error.code == .full { throw try await makeRoom(in: pool, room, error) }
            if first.totalSize != nil, !Task.isCancelled, Self.isOfOrigin(error) { credit.lose(lane) }
            throw error
        }
    }

    /// The maximum size of an artifact in the pool, in bytes.
    private func limit(of pool: Pool) -> Int64 {
        min(configuration.maxObjectSize, pool.store.capabilities.maxObjectSize, pool.maxBytes ?? .max)
    }

    /// Whether the error is the origin's fault: it sent something other than it had stated, or nothing.
    private static func isOfOrigin(_ error: any Error) -> Bool {
        switch error {
        case let error as CopyError: error.reason == .transfer
        case is OutboundError: true
        default: false
        }
    }

    private func store(
        _ first: OriginResponse, _ plan: CopyPlan, _ attempt: CopyAttempt, _ condition: WriteCondition, room: PoolSpace.Reservation,
        limit: Int64
    ) async throws -> PreparedCopy {
        let (artifact, pool) = (attempt.artifact, attempt.pool)
        var metadata = first.metadata(of: artifact, stored: clock.now)
        let upload = AccountedUpload(
            try await pool.store.beginUpload(ObjectKey(artifact), metadata: metadata, expectedSize: first.totalSize))
        do {
            let hash = ArtifactHash(stated: first.statedDigests)
            let transfer = CopyTransfer(
                origin: attempt.origin, upload: upload, hash: hash, configuration: configuration, memory: memory,
                lane: CopyLane(of: artifact), room: room, limit: limit, progress: attempt.progress
            ) { [metrics] in metrics.countCopied(bytes: $0, pool: pool.id) }
            try await traced("upload") { span in
                try await transfer.run(plan, first)
                span?.set("cloud_mirror.bytes", .integer(hash.count))
            }
            let sha256 = try hash.finish()
            metadata.sha256 = sha256
            return PreparedCopy(
                attempt: attempt, content: .upload(upload, sha256: sha256), condition: condition,
                copy: UnpublishedCopy(size: hash.count, metadata: metadata), room: room, replica: nil)
        } catch {
            await abort(upload)
            throw error
        }
    }

    /// Requests the first part; if parts are not usable, the whole artifact.
    private func begin(
        _ origin: OriginReader, _ planner: CopyPlanner, size: Int64?, mayRange: Bool
    ) async throws -> (OriginResponse, CopyPlan) {
        var size = size
        if mayRange, planner.canRange {
            switch try await beginRanges(origin, planner, planner.firstPartSize, size: size) {
            case .begun(let first, let plan): return (first, plan)
            case .useless(let stated): size = stated
            }
        }
        let response = try await origin.open(size: size)
        // An artifact that is too large for one answer can only come in parts, even if earlier attempts with parts failed.
        if !mayRange, planner.canRange, let total = response.totalSize, total > planner.wholeLimit,
            case .begun(let first, let plan) = try await beginRanges(origin, planner, planner.firstPartSize, size: total)
        {
            return (first, plan)
        }
        return (response, planner.whole(response))
    }

    private enum FirstPart {
        case begun(OriginResponse, CopyPlan)
        /// The answer was dropped, so that its connection is free for another request. `size` is what it stated.
        case useless(size: Int64?)
    }

    private func beginRanges(
        _ origin: OriginReader, _ planner: CopyPlanner, _ partSize: Int64, size: Int64?
    ) async throws -> FirstPart {
        guard let range = ByteRange(offset: 0, length: partSize) else { return .useless(size: size) }
        let first = try await origin.open(range: range, size: size)
        if let total = first.totalSize, first.range != nil, partSize == planner.firstPartSize, planner.partSize(of: total) > partSize {
            // The artifact needs larger parts. The first one is requested again, because all parts have the same size.
            return try await beginRanges(origin, planner, planner.partSize(of: total), size: total)
        }
        guard let plan = planner.plan(first: first, partSize: partSize) else { return .useless(size: first.totalSize) }
        return .begun(first, plan)
    }

    /// Refuses a login page, or an error with status 200, that was sent in place of the artifact.
    func refusePage(_ response: OriginResponse, of attempt: CopyAttempt) throws {
        guard let type = response.pageType else { return }
        let isNoPage = configuration.refuseHTML && ([attempt.artifact] + response.addresses).contains(where: FileType.isNoPage)
        guard isNoPage || attempt.origin.origin.named?.rule.refusesHTML == true else { return }
        throw CopyError(
            .content, isTransient: false, "the origin answered with a web page (\(type)), which does not match the artifact's name")
    }

    /// How long an origin's bucket, or another pool, may take to say what it has. No other limit applies while a copy waits for that.
    static let headLimit = Duration.seconds(15)

    /// - Returns: `nil` if the pool's service copies nothing by itself, or the origin is not a bucket.
    func head(for attempt: CopyAttempt) async throws -> (response: OriginResponse, copySource: CopySource?)? {
        guard attempt.origin.origin.isPrivate,
            !attempt.pool.store.capabilities.features.isDisjoint(with: [.serverSideCopy, .pullsURLs])
        else { return nil }
        let answer = try await leaving(after: Self.headLimit, by: clock) { try await attempt.origin.head() }
        guard let answer else { throw OutboundError(.timedOut, "the origin's bucket did not answer within \(Self.headLimit)") }
        return answer
    }
}
