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
