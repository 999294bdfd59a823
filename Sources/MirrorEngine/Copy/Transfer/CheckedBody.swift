import MirrorCore
import MirrorStorage
import NIOCore

/// A body that is counted, hashed, and checked against what was stated, chunk by chunk.
struct CheckedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let base: ByteStream
    /// `nil` if the bytes are hashed elsewhere.
    let hash: ArtifactHash?
    /// The stated length in bytes; `nil` if none was stated.
    let expected: Int64?
    /// The maximum length in bytes.
    let limit: Int64
    /// The room in the pool, taken as the bytes arrive.
    let room: PoolSpace.Reservation
    let progress: CopyProgress

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ByteStream.AsyncIterator
        let body: CheckedBody
        var count: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await nextChunk() else {
                if let expected = body.expected, count != expected {
                    throw CopyError(.transfer, isTransient: true, "the origin sent \(count) bytes, but had stated \(expected)")
                }
                // Even an empty artifact is one more replica in the pool.
                if count == 0 { try await body.room.take(0) }
                return nil
            }
            count += Int64(chunk.readableBytes)
            if let expected = body.expected, count > expected {
                throw CopyError(.transfer, isTransient: true, "the origin sent more than it stated")
            }
            if count > body.limit { throw CopyError.tooLarge(limit: body.limit) }
            try await body.room.take(chunk.readableBytes)
            body.hash?.update(chunk)
            return chunk
        }

        private mutating func nextChunk() async throws -> ByteBuffer? {
            body.progress.beginWaiting()
            defer { body.progress.endWaiting() }
            let chunk = try await base.next()
            body.progress.received(chunk?.readableBytes ?? 0)
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), body: self)
    }
}

extension CopyError {
    static func tooLarge(limit: Int64) -> CopyError {
        CopyError(.tooLarge, isTransient: false, "the artifact is larger than \(limit) bytes")
    }
}
