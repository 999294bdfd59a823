import MirrorCore
import NIOCore
import Synchronization

/// Records whether a transfer makes progress, for an alarm that fires if it does not.
final class TransferProgress: Sendable {
    private struct State {
        var steps = 0
        /// Whether it is the caller's turn, so that a delay is not the store's fault.
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

    /// Returns once there has been no step for `limit`, give or take a quarter.
    ///
    /// It counts steps instead of reading a time at each: setting the wall clock does no harm, and a step costs next to nothing.
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

/// The stream of a part that is written to a store; it records each chunk.
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
