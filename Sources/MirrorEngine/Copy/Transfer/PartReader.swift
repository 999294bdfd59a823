import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1

/// Reads the parts of one artifact from its origin, and makes sure that they are of the same version.
struct PartReader: Sendable {
    let origin: OriginReader
    /// The answer to the request for the first part.
    let first: OriginResponse
    let parts: PartLayout
    let room: PoolSpace.Reservation
    let progress: CopyProgress

    /// - Parameter hash: `nil` if the part's bytes are hashed elsewhere.
    /// - Throws: ``CopyError``.
    func open(_ number: Int, _ range: ByteRange, hash: ArtifactHash?) async throws -> CheckedBody {
        let body = number == 0 ? first.body : try await progress.whileWaiting { try await openPart(range).body }
        return CheckedBody(base: body, hash: hash, expected: range.length, limit: range.length, room: room, progress: progress)
    }

    /// Calls `body` once for every part, in the order of their numbers, `concurrency` at a time.
    func each(concurrency: Int, _ body: @escaping @Sendable (Int, ByteRange) async throws -> Void) async throws {
        let next = PartNumbers(count: parts.count)
        try await withThrowingTaskGroup(of: Void.self) { workers in
            for _ in 0..<min(concurrency, parts.count) {
                workers.addTask {
                    while let number = next.take(), let range = parts[number] { try await body(number, range) }
                }
            }
            // Not `waitForAll`, which would let the other parts continue after one has failed.
            for try await _ in workers {}
        }
    }

    private func openPart(_ range: ByteRange) async throws -> OriginResponse {
        let part: OriginResponse
        do {
            part = try await origin.open(at: first.url, range: range, ifMatch: first.strongETag)
        } catch let error as CopyError {
            if case .origin(let status) = error.reason {
                // What the origin says about a part does not apply to the artifact; a new attempt starts from the beginning.
                let message = status == 412 ? "the artifact changed at its origin while it was copied" : error.message
                throw CopyError(.transfer, isTransient: true, message, retryAfter: error.retryAfter)
            }
            throw error
        }
        guard part.range == range, part.totalSize == first.totalSize, part.strongETag == first.strongETag,
            part.headers["Content-Encoding"] == first.headers["Content-Encoding"]
        else {
            throw CopyError(.transfer, isTransient: true, "the artifact changed at its origin while it was copied")
        }
        return part
    }
}
