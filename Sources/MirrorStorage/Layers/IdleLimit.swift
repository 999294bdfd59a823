import MirrorCore
import NIOCore
import Synchronization

/// Notes whether a transfer gets on, for an alarm that comes when it does not.
final class TransferProgress: Sendable {
    private struct State {
        var steps = 0
        /// The other side's turn: what takes long now is not the store's doing.
        var isWaitingForCaller = false
    }

    private let state = Mutex(State())

    func callerIsAsked() {
        state.withLock { $0.isWaitingForCaller = true }
    }

    func callerAnswered() {
        state.withLock { state in
            state.isWaitingForCaller = false
            state.steps += 1
        }
    }

    /// Returns once there was no step for `limit`, give or take a quarter.
    ///
    /// Counts steps instead of reading the time at each: a wall clock that is set does no harm, and a step costs next to nothing.
    func idle(for limit: Duration, clock: any MonotonicClock) async throws {
        var quiet = 0
        var seen = 0
        while quiet < 4 {
            try await clock.sleep(for: limit / 4)
            let (steps, isWaiting) = state.withLock { ($0.steps, $0.isWaitingForCaller) }
            quiet = isWaiting || steps != seen ? 0 : quiet + 1
            seen = steps
        }
    }
}

/// The stream of a part on its way into a store, which notes each chunk.
struct NotedStream: AsyncSequence, Sendable {
    let base: ByteStream
    let progress: TransferProgress

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ByteStream.AsyncIterator
        let progress: TransferProgress

        mutating func next() async throws -> ByteBuffer? {
            progress.callerIsAsked()
            defer { progress.callerAnswered() }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), progress: progress) }
}

/// The body of an object on its way out of a store: each chunk must come within the limit after it was asked for.
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

    /// Keeps the iterator, so that a task of its own can wait for the next chunk.
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
            // Taken out: a stream that ended or failed is let go of, with whatever it holds.
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
            return try await withAlarm(stream.operation, "no bytes for \(limit)", alarm: { try await clock.sleep(for: limit) }) {
                Chunk(bytes: try await source.next())
            }.bytes
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    private struct Chunk: Sendable {
        let bytes: ByteBuffer?
    }
}
