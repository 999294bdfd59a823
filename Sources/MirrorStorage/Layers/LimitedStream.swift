import MirrorCore
import NIOCore

/// The body of an object that is read from a store: each chunk must arrive within the limit after it was requested.
struct LimitedStream: AsyncSequence, Sendable {
    let source: Source
    let limit: Duration
    let clock: any MonotonicClock
    let operation: String

    init(_ base: ByteStream, limit: Duration, clock: any MonotonicClock, operation: String) {
        source = Source(base)
        self.limit = limit
        self.clock = clock
        self.operation = operation
    }

    /// Keeps the iterator, so that a separate task can wait for the next chunk.
    actor Source {
        private var stream: ByteStream?
        private var iterator: ByteStream.AsyncIterator?

        init(_ stream: ByteStream) {
            self.stream = stream
        }

        func next() async throws -> ByteBuffer? {
            if let stream { iterator = stream.makeAsyncIterator() }
            stream = nil
            guard var current = iterator else { return nil }
            // Cleared first, so that a stream that ended or failed is released, with everything that it holds.
            iterator = nil
            guard let chunk = try await current.next(isolation: self) else { return nil }
            iterator = current
            return chunk
        }
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let stream: LimitedStream

        mutating func next() async throws -> ByteBuffer? {
            let (source, limit, clock) = (stream.source, stream.limit, stream.clock)
            return try await withAlarm(stream.operation, "no bytes for \(limit)", alarm: { clock.timer(after: limit, $0) }) {
                try await source.next()
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}
