import MirrorCore
import MirrorStorage
import NIOCore

/// A body that is counted, hashed and measured against what was stated, chunk by chunk.
struct CheckedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let base: ByteStream
    /// `nil` where the bytes are hashed elsewhere.
    let hash: ArtifactHash?
    /// What was stated, in bytes.
    let expected: Int64?
    /// Bytes, at most.
    let limit: Int64
    /// In the pool, taken as the bytes come.
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
                // Without a byte it is a replica more all the same.
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
