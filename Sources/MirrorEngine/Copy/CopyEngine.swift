import Logging
import MirrorCore
import MirrorStorage
import NIOCore
import Synchronization

/// Makes one attempt at one copy: origin to pool, verified, published in one step or not at all.
struct CopyEngine: Sendable {
    let origin: OriginClient
    let space: PoolSpace
    let configuration: CopyConfiguration
    let metrics: EngineMetrics
    let clock: any WallClock

    /// Publishes a verified upload: runs `complete` if the copy is still wanted, and records what it gives.
    typealias Publication = @Sendable (_ complete: @Sendable () async throws -> StoredObject) async throws -> StoredObject

    /// - Parameter attempt: From 1. Ranges are tried once; an origin that stumbled over them is read as one stream after that.
    /// - Parameter publish: Called once everything is there and verified.
    /// - Throws: ``CopyError``, `StorageError`, `OutboundError`, what `publish` throws, or `CancellationError`.
    func copy(_ artifact: ArtifactURL, to pool: Pool, attempt: Int, publish: Publication) async throws -> StoredObject {
        let limit = min(configuration.maxObjectSize, pool.store.capabilities.maxObjectSize, pool.maxBytes ?? .max)
        let (first, plan) = try await begin(artifact, pool, mayRange: attempt == 1)
        if let size = first.totalSize, size > limit { throw tooLarge(limit) }
        let reservation = try await space.reserve(first.totalSize ?? 0, in: pool)
        defer { reservation.release() }
        do {
            return try await store(first, plan, of: artifact, in: pool, limit: limit, publish: publish)
        } catch let error as StorageError where error.code == .full {
            // The disk is smaller than `maxBytes`, or there is none: what is older goes all the same, and the next attempt finds room.
            let evicted = try await space.evict(first.totalSize ?? Self.unstatedSize, from: pool)
            throw CopyError(.storage, isTransient: evicted > 0, "the pool is full")
        }
    }

    /// What is freed for an artifact whose size the origin does not state.
    private static let unstatedSize: Int64 = 1 << 30

    private func store(
        _ first: OriginResponse, _ plan: CopyPlan, of artifact: ArtifactURL, in pool: Pool, limit: Int64, publish: Publication
    ) async throws -> StoredObject {
        let upload = try await pool.store.beginUpload(
            ObjectKey(artifact), metadata: first.metadata(of: artifact, stored: clock.now), expectedSize: first.totalSize)
        do {
            let hash = ArtifactHash(stated: first.statedDigests)
            switch plan {
            case .stream: try await stream(first, to: upload, hash, pool: pool.id, limit: limit)
            case .ranges(let parts): try await transfer(parts, first: first, to: upload, hash, pool: pool.id)
            }
            let sha256 = try hash.finish()
            return try await publish { [clock] in
                StoredObject(try await upload.complete(size: hash.count, sha256: sha256), lastUsed: clock.now)
            }
        } catch {
            await uncancelled { await upload.abort() }
            throw error
        }
    }

    /// Asks for the first part, and for the whole where parts are of no use.
    private func begin(_ artifact: ArtifactURL, _ pool: Pool, mayRange: Bool) async throws -> (OriginResponse, CopyPlan) {
        let capabilities = pool.store.capabilities
        let partSize = CopyPlan.partSize(configured: configuration.partSize, capabilities)
        guard mayRange, CopyPlan.canRange(capabilities), let range = ByteRange(offset: 0, length: partSize) else {
            return (try await origin.open(artifact), .stream)
        }
        if let begun = try await beginRanges(artifact, range) { return begun }
        return (try await origin.open(artifact), .stream)
    }

    /// - Returns: `nil` when the first part is of no use; it is dropped then, and its connection free for another request.
    private func beginRanges(_ artifact: ArtifactURL, _ range: ByteRange) async throws -> (OriginResponse, CopyPlan)? {
        let first = try await origin.open(artifact, range: range)
        return CopyPlan.choose(first: first, partSize: range.length).map { (first, $0) }
    }

    /// One answer, read to its end.
    private func stream(
        _ response: OriginResponse, to upload: any ObjectUpload, _ hash: ArtifactHash, pool: PoolID, limit: Int64
    ) async throws {
        let body = CheckedBody(base: response.body, hash: hash, expected: response.totalSize, limit: limit, tooLarge: tooLarge(limit))
        let written = try await upload.write(
            UploadPart(number: 0, offset: 0, length: response.totalSize), from: ByteStream(body))
        metrics.countCopied(bytes: written, pool: pool)
        guard written == hash.count else { throw CopyError(.storage, isTransient: true, "the pool did not take all bytes") }
    }

    /// Parts in parallel; the digest follows behind them, reading back what is complete from the front.
    private func transfer(
        _ parts: PartLayout, first: OriginResponse, to upload: any ObjectUpload, _ hash: ArtifactHash, pool: PoolID
    ) async throws {
        let (finished, finish) = AsyncStream.makeStream(of: Int.self)
        let next = PartNumbers(count: parts.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(parts, finished: finished, upload, hash) }
            group.addTask {
                defer { finish.finish() }
                try await withThrowingTaskGroup(of: Void.self) { workers in
                    for _ in 0..<min(configuration.partConcurrency, parts.count) {
                        workers.addTask {
                            while let number = next.take(), let range = parts[number] {
                                try await copyPart(number, range, first: first, to: upload)
                                metrics.countCopied(bytes: range.length, pool: pool)
                                finish.yield(number)
                            }
                        }
                    }
                    // Not `waitForAll`, which would let the other parts go on after one has failed.
                    for try await _ in workers {}
                }
            }
            for try await _ in group {}
        }
        guard hash.count == first.totalSize else { throw CopyError(.transfer, isTransient: true, "parts are missing") }
    }

    private func copyPart(_ number: Int, _ range: ByteRange, first: OriginResponse, to upload: any ObjectUpload) async throws {
        let body = number == 0 ? first.body : try await openPart(range, first: first).body
        let checked = CheckedBody(
            base: body, hash: nil, expected: range.length, limit: range.length, tooLarge: tooLarge(range.length))
        _ = try await upload.write(
            UploadPart(number: number, offset: range.offset, length: range.length), from: ByteStream(checked))
    }

    private func openPart(_ range: ByteRange, first: OriginResponse) async throws -> OriginResponse {
        let part: OriginResponse
        do {
            part = try await origin.open(first.url, range: range, ifMatch: first.strongETag)
        } catch let error as CopyError {
            if case .origin(let status) = error.reason {
                // What the origin says of a part is not what it says of the artifact: a new attempt asks from the start.
                let message = status == 412 ? "the artifact changed at its origin while it was copied" : error.message
                throw CopyError(.transfer, isTransient: true, message, retryAfter: error.retryAfter)
            }
            throw error
        }
        guard part.range == range, part.totalSize == first.totalSize, part.strongETag == first.strongETag else {
            throw CopyError(.transfer, isTransient: true, "the artifact changed at its origin while it was copied")
        }
        return part
    }

    private func follow(_ parts: PartLayout, finished: AsyncStream<Int>, _ upload: any ObjectUpload, _ hash: ArtifactHash) async throws {
        var waiting: Set<Int> = []
        var front = 0
        for await number in finished {
            waiting.insert(number)
            while waiting.remove(front) != nil, let range = parts[front] {
                for try await chunk in try await upload.read(range) { hash.update(chunk) }
                front += 1
            }
        }
    }

    private func tooLarge(_ limit: Int64) -> CopyError {
        CopyError(.tooLarge, isTransient: false, "the artifact is larger than \(limit) bytes")
    }
}

/// A body that is counted, hashed and measured against what was stated, chunk by chunk.
private struct CheckedBody<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
    let base: Base
    let hash: ArtifactHash?
    let expected: Int64?
    let limit: Int64
    let tooLarge: CopyError

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        let body: CheckedBody
        var count: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await base.next() else {
                if let expected = body.expected, count != expected {
                    throw CopyError(.transfer, isTransient: true, "the origin sent \(count) bytes and had stated \(expected)")
                }
                return nil
            }
            count += Int64(chunk.readableBytes)
            if let expected = body.expected, count > expected {
                throw CopyError(.transfer, isTransient: true, "the origin sent more than it stated")
            }
            if count > body.limit { throw body.tooLarge }
            body.hash?.update(chunk)
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), body: self)
    }
}

/// Hands out the numbers of parts, each once.
private final class PartNumbers: Sendable {
    private let next = Mutex(0)
    private let count: Int

    init(count: Int) {
        self.count = count
    }

    func take() -> Int? {
        next.withLock { next in
            guard next < count else { return nil }
            defer { next += 1 }
            return next
        }
    }
}
