import Logging
import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import NIOCore

/// Makes one attempt at one copy: origin to pool, verified, published in one step or not at all.
struct CopyEngine: Sendable {
    let space: PoolSpace
    let configuration: CopyConfiguration
    let metrics: EngineMetrics
    let clock: any MirrorClock
    let logger: Logger
    let credit: OriginCredit
    let memory: CopyMemory
    private let refusals = ServerSideRefusals()
    private let refusedRedirects = RefusedRedirects()

    init(
        space: PoolSpace, credit: OriginCredit, configuration: CopyConfiguration, metrics: EngineMetrics,
        clock: any MirrorClock, logger: Logger
    ) {
        self.space = space
        self.credit = credit
        self.configuration = configuration
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        memory = CopyMemory(configuration)
    }

    /// Publishes a verified upload: runs `complete` if the copy is still wanted, and records what it gives.
    typealias Publication = @Sendable (_ complete: @escaping @Sendable () async throws -> StoredObject) async throws -> StoredObject

    /// - Parameter attempt: From 1. Ranges are tried once; an origin that stumbled over them is read as one stream after that.
    /// - Parameter queuedAt: An object that the pool has from before that does not become the replica, and is replaced.
    /// - Parameter progress: Told what the origin sends.
    /// - Parameter publish: Called once everything is there and verified.
    /// - Throws: ``CopyError``, `StorageError`, `OutboundError`, what `publish` throws, or `CancellationError`.
    func copy(
        from origin: any Origin, to pool: Pool, attempt: Int, queuedAt: Timestamp, progress: CopyProgress, publish: Publication
    ) async throws -> StoredObject {
        let origin = OriginReader(origin: origin, clock: clock)
        do {
            do {
                return try await copy(from: origin, to: pool, .absent, attempt: attempt, progress: progress, publish: publish)
            } catch let unpublished as ObjectInTheWay {
                if let object = try await adopt(origin.artifact, insteadOf: unpublished, queuedAt: queuedAt, in: pool, publish: publish) {
                    return object
                }
                logger.info(
                    "the pool has an object from before this copy was asked for, which is replaced",
                    metadata: ["artifact": "\(origin.artifact.redacted)", "pool": "\(pool.id)"])
                // The upload is gone: what was fetched is fetched again.
                return try await copy(from: origin, to: pool, .none, attempt: attempt, progress: progress, publish: publish)
            }
        } catch let error as OutboundError {
            if case .redirectRefused(let refusal, let host) = error.code { note(refusal, host, origin.artifact) }
            throw error
        }
    }

    /// - Throws: ``ObjectInTheWay`` where `condition` does not hold.
    private func copy(
        from origin: OriginReader, to pool: Pool, _ condition: WriteCondition, attempt: Int, progress: CopyProgress, publish: Publication
    ) async throws -> StoredObject {
        let head = try await head(of: origin, for: pool)
        if let head, let source = head.copySource,
            let object = try await copyInService(origin.artifact, source, head.response, to: pool, condition, publish: publish)
        {
            return object
        }
        return try await transfer(
            from: origin, size: head?.response.totalSize, to: pool, condition, attempt: attempt, progress: progress, publish: publish)
    }

    /// Tells the operator what to allow, once for each host.
    private func note(_ refusal: EgressRefusal, _ host: String, _ artifact: ArtifactURL) {
        let (label, isNew) = refusedRedirects.note(host)
        metrics.countRefusedRedirect(host: label, refusal.reason)
        guard isNew else { return }
        logger.notice(
            "an origin redirects to a host that is not allowed: its artifacts are not copied, clients go there by themselves; add the host to origins.allow if copies are wanted",
            metadata: ["host": "\(host)", "reason": "\(refusal.reason.rawValue)", "artifact": "\(artifact.redacted)"])
    }

    // MARK: Copied by the service

    /// Tells the pool's service to copy by itself, so that no byte of the artifact passes through here.
    ///
    /// - Returns: `nil` where the bytes have to pass through here.
    private func copyInService(
        _ artifact: ArtifactURL, _ source: CopySource, _ head: OriginResponse, to pool: Pool, _ condition: WriteCondition,
        publish: Publication
    ) async throws -> StoredObject? {
        guard pool.store.canCopy(from: source), !refusals.contains(source, pool.id, at: clock.instant) else { return nil }
        let limit = min(configuration.maxObjectSize, pool.store.capabilities.maxObjectSize, pool.maxBytes ?? .max)
        if source.size > limit { throw CopyError.tooLarge(limit: limit) }
        let room = try await space.begin(source.size, in: pool)
        defer { room.release() }
        try refusePage(head, of: artifact)
        // The service takes all of it at once.
        try await room.take(Int(clamping: source.size))
        let metadata = head.metadata(of: artifact, stored: clock.now)
        do {
            let object = try await publish { [clock] in
                let info = try await pool.store.copy(ObjectKey(artifact), from: source, metadata: metadata, condition: condition)
                return StoredObject(info, lastUsed: clock.now)
            }
            refusals.succeeded(source, pool.id)
            metrics.countCopiedInService(bytes: object.size, pool: pool.id)
            return object
        } catch let error as StorageError where error.code == .full {
            throw try await makeRoom(in: pool, room, error)
        } catch let error as StorageError {
            // Unless the object is there already, what the service does not carry is carried through here, whatever the reason.
            if condition == .absent, error.code == .preconditionFailed, try await isPresent(artifact, in: pool) {
                throw ObjectInTheWay(size: source.size, metadata: metadata)
            }
            metrics.countError(error)
            let isWholeBucket = refusals.insert(source, pool.id, because: error.code, at: clock.instant)
            logger.notice(
                isWholeBucket
                    ? "the pool's service does not copy from this bucket; for some minutes all bytes of it pass through here"
                    : "the pool's service does not copy this object; its bytes pass through here",
                metadata: [
                    "pool": "\(pool.id)", "bucket": "\(source.bucket)", "artifact": "\(artifact.redacted)", "error": "\(error)",
                ])
            return nil
        }
    }

    private func isPresent(_ artifact: ArtifactURL, in pool: Pool) async throws -> Bool {
        do {
            _ = try await pool.store.head(ObjectKey(artifact))
            return true
        } catch let error as StorageError where error.code == .notFound {
            return false
        }
    }

    // MARK: Carried through here

    /// - Parameter size: Bytes of the artifact, where the origin has stated them: what is stored has just as many.
    private func transfer(
        from origin: OriginReader, size: Int64?, to pool: Pool, _ condition: WriteCondition, attempt: Int, progress: CopyProgress,
        publish: Publication
    ) async throws -> StoredObject {
        let planner = CopyPlanner(
            capabilities: pool.store.capabilities, partSize: configuration.partSize, memory: configuration.memory)
        var limit = min(configuration.maxObjectSize, pool.store.capabilities.maxObjectSize, pool.maxBytes ?? .max)
        let (first, plan) = try await progress.whileWaiting {
            try await begin(origin, planner, size: size, mayRange: attempt == 1)
        }
        try refusePage(first, of: origin.artifact)
        if case .bufferedStream = plan { limit = min(limit, planner.wholeLimit) }
        if let size = first.totalSize, size > limit { throw CopyError.tooLarge(limit: limit) }
        let lane = CopyLane(of: origin.artifact)
        let room = try await space.begin(first.totalSize, in: pool, mayTakeAhead: credit.isGood(lane))
        defer { room.release() }
        do {
            return try await store(
                first, plan, from: origin, in: pool, condition, room: room, limit: limit, progress: progress, publish: publish)
        } catch let error as StorageError where error.code == .full {
            throw try await makeRoom(in: pool, room, error)
        } catch {
            if first.totalSize != nil, !Task.isCancelled, Self.isOfOrigin(error) { credit.lose(lane) }
            throw error
        }
    }

    /// Whether the origin sent something else than it had stated, or nothing.
    private static func isOfOrigin(_ error: any Error) -> Bool {
        switch error {
        case let error as CopyError: error.reason == .transfer
        case is OutboundError: true
        default: false
        }
    }

    /// The pool takes less than it seemed to: what was not used for longest goes all the same, and the next attempt finds room.
    private func makeRoom(in pool: Pool, _ room: PoolSpace.Reservation, _ error: StorageError) async throws -> CopyError {
        // Where the pool does not say how much it lacks, it is as much as the copy has taken.
        let bytes = error.missingBytes ?? max(room.bytes.reserved, 1)
        guard try await space.makeRoom(bytes, in: pool) else { return PoolSpace.noRoom(pool, cause: error) }
        return CopyError(.storage, isTransient: true, "the pool is full", cause: error)
    }

    private func store(
        _ first: OriginResponse, _ plan: CopyPlan, from origin: OriginReader, in pool: Pool, _ condition: WriteCondition,
        room: PoolSpace.Reservation, limit: Int64, progress: CopyProgress, publish: Publication
    ) async throws -> StoredObject {
        var metadata = first.metadata(of: origin.artifact, stored: clock.now)
        let upload = try await pool.store.beginUpload(ObjectKey(origin.artifact), metadata: metadata, expectedSize: first.totalSize)
        do {
            let hash = ArtifactHash(stated: first.statedDigests)
            let transfer = CopyTransfer(
                origin: origin, upload: upload, hash: hash, configuration: configuration, memory: memory,
                lane: CopyLane(of: origin.artifact), room: room, limit: limit, progress: progress
            ) { [metrics] in metrics.countCopied(bytes: $0, pool: pool.id) }
            let memory = try await transfer.run(plan, first)
            defer { withExtendedLifetime(memory) {} }
            let sha256 = try hash.finish()
            metadata.sha256 = sha256
            return try await publish { [clock, metadata] in
                do {
                    let info = try await upload.complete(size: hash.count, sha256: sha256, condition: condition)
                    return StoredObject(info, lastUsed: clock.now)
                } catch let error as StorageError where error.code == .preconditionFailed && condition == .absent {
                    throw ObjectInTheWay(size: hash.count, metadata: metadata)
                }
            }
        } catch {
            await abort(upload)
            throw error
        }
    }

    /// Removes what was uploaded. A copy that was cancelled does not wait for long: its job is to be handed back while there is time for that.
    private func abort(_ upload: any ObjectUpload) async {
        let limit = Task.isCancelled ? Self.abortLimit : nil
        await uncancelled { [clock] in _ = try? await leaving(after: limit, by: clock) { await upload.abort() } }
    }

    private static let abortLimit = Duration.milliseconds(250)

    /// Asks for the first part, and for the whole where parts are of no use.
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
        // What is too large for one answer has no other way, however often that was tried.
        if !mayRange, planner.canRange, let total = response.totalSize, total > planner.wholeLimit,
            case .begun(let first, let plan) = try await beginRanges(origin, planner, planner.firstPartSize, size: total)
        {
            return (first, plan)
        }
        return (response, planner.whole(response))
    }

    private enum FirstPart {
        case begun(OriginResponse, CopyPlan)
        /// Dropped, so that its connection is free for another request; with the size that it stated.
        case useless(size: Int64?)
    }

    private func beginRanges(
        _ origin: OriginReader, _ planner: CopyPlanner, _ partSize: Int64, size: Int64?
    ) async throws -> FirstPart {
        guard let range = ByteRange(offset: 0, length: partSize) else { return .useless(size: size) }
        let first = try await origin.open(range: range, size: size)
        if let total = first.totalSize, first.range != nil, partSize == planner.firstPartSize, planner.partSize(of: total) > partSize {
            // So large that the parts have to be larger: asked for once more, because all parts have one size.
            return try await beginRanges(origin, planner, planner.partSize(of: total), size: total)
        }
        guard let plan = planner.plan(first: first, partSize: partSize) else { return .useless(size: first.totalSize) }
        return .begun(first, plan)
    }

    /// A login page, or an error with status 200, is not to be kept as what it stands for.
    private func refusePage(_ response: OriginResponse, of artifact: ArtifactURL) throws {
        guard configuration.refusesPages, let type = response.pageType, ([artifact] + response.addresses).contains(where: FileType.isNoPage)
        else { return }
        throw CopyError(.content, isTransient: false, "the origin answered with a web page (\(type)) where the name says that it is none")
    }

    /// How long a bucket that is an origin may take to say what it has: a copy that waits for it is not slow by any other measure.
    private static let headLimit = Duration.seconds(15)

    /// - Returns: `nil` where the pool's service copies nothing by itself, or the origin is not a bucket.
    private func head(
        of origin: OriginReader, for pool: Pool
    ) async throws -> (response: OriginResponse, copySource: CopySource?)? {
        guard pool.store.capabilities.features.contains(.serverSideCopy) else { return nil }
        let answer = try await leaving(after: Self.headLimit, by: clock) { BucketHead(value: try await origin.head()) }
        guard let answer else { throw OutboundError(.timedOut, "the origin's bucket did not answer within \(Self.headLimit)") }
        return answer.value
    }

    private struct BucketHead: Sendable {
        let value: (response: OriginResponse, copySource: CopySource?)?
    }
}
