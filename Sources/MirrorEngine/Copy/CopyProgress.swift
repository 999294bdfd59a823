import MirrorCore
import Synchronization

/// What the origin has sent for one copy, and how long the copy waited for it.
final class CopyProgress: Sendable {
    private struct Window {
        let began: ContinuousClock.Instant
        var bytes: Int64 = 0
        var waited = Duration.zero
    }

    private struct State {
        var window: Window
        /// Readers that wait for the origin now: a copy reads several parts at the same time.
        var readers = 0
        /// When the first of them began to.
        var waitingSince: ContinuousClock.Instant
    }

    private let clock: any MonotonicClock
    private let state: Mutex<State>

    init(clock: any MonotonicClock) {
        self.clock = clock
        let now = clock.instant
        state = Mutex(State(window: Window(began: now), waitingSince: now))
    }

    /// Runs `body`, which waits for the origin.
    func whileWaiting<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        beginWaiting()
        defer { endWaiting() }
        return try await body()
    }

    func beginWaiting() {
        let now = clock.instant
        state.withLock { state in
            if state.readers == 0 { state.waitingSince = now }
            state.readers += 1
        }
    }

    func endWaiting() {
        let now = clock.instant
        state.withLock { state in
            state.readers -= 1
            if state.readers == 0 { state.window.waited += state.waitingSince.duration(to: now) }
        }
    }

    func received(_ bytes: Int) {
        state.withLock { $0.window.bytes += Int64(bytes) }
    }

    /// Bytes a second in the window that is over; then the next one begins.
    ///
    /// - Returns: `nil` while the window is not over, and when something else than the origin was waited for half of the time: the pool, or
    ///   memory. Then the rate says nothing of the origin.
    func takeRate(over length: Duration) -> Int64? {
        let now = clock.instant
        return state.withLock { state in
            let elapsed = state.window.began.duration(to: now)
            guard elapsed >= length, elapsed > .zero else { return nil }
            if state.readers > 0 { state.window.waited += state.waitingSince.duration(to: now) }
            state.waitingSince = now
            let window = state.window
            state.window = Window(began: now)
            guard window.waited * 2 >= elapsed else { return nil }
            return Int64(Double(window.bytes) / elapsed.inSeconds)
        }
    }
}
