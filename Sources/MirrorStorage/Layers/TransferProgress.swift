import MirrorCore
import NIOCore
import Synchronization

/// Records whether a transfer makes progress, for an alarm that rings if it does not.
final class TransferProgress: Sendable {
    private struct State {
        var steps = 0
        /// Whether it is the caller's turn, so that a delay is not the store's fault.
        var isWaitingForCaller = false
    }

    /// The checks of one alarm.
    private struct Checks {
        /// Quarters of the limit without a step.
        var quiet = 0
        /// The steps at the last check.
        var seen = 0
        var next: ClockTimer?
        var isOver = false
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

    /// Calls `ring` once there has been no step for `limit`, give or take a quarter.
    ///
    /// It counts steps instead of reading a time at each: setting the wall clock does no harm, and a step costs next to nothing.
    func whenIdle(for limit: Duration, clock: any MonotonicClock, _ ring: @escaping @Sendable () -> Void) -> ClockTimer {
        let alarm = Alarm(of: self, limit: limit, clock: clock, ring)
        alarm.checkLater()
        return ClockTimer { alarm.end() }
    }

    private final class Alarm: Sendable {
        private let progress: TransferProgress
        private let limit: Duration
        private let clock: any MonotonicClock
        private let ring: @Sendable () -> Void
        private let checks = Mutex(Checks())

        init(of progress: TransferProgress, limit: Duration, clock: any MonotonicClock, _ ring: @escaping @Sendable () -> Void) {
            self.progress = progress
            self.limit = limit
            self.clock = clock
            self.ring = ring
        }

        func checkLater() {
            let next = clock.timer(after: limit / 4) { self.check() }
            let isOver = checks.withLock { checks in
                if !checks.isOver { checks.next = next }
                return checks.isOver
            }
            if isOver { next.cancel() }
        }

        func end() {
            let next = checks.withLock { checks in
                checks.isOver = true
                return checks.next.take()
            }
            next?.cancel()
        }

        private func check() {
            let (steps, isWaiting) = progress.state.withLock { ($0.steps, $0.isWaitingForCaller) }
            let (isIdle, isOver) = checks.withLock { checks in
                checks.quiet = isWaiting || steps != checks.seen ? 0 : checks.quiet + 1
                checks.seen = steps
                return (checks.quiet == 4, checks.isOver)
            }
            if isOver { return }
            if isIdle { ring() } else { checkLater() }
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
