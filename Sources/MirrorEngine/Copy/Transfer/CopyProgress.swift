import MirrorCore
import Synchronization

/// Measures what the origin has sent for one copy, and how long the copy waited for it.
final class CopyProgress: Sendable {
    /// How fast the origin has sent its bytes.
    struct Rates: Sendable, Equatable {
        /// Bytes per second in the window that has just ended.
        let last: Int64
        /// Bytes per second in all windows that were measured.
        let average: Int64
        /// The number of windows that were measured.
        let windows: Int
    }

    /// What has arrived of the artifact.
    struct Arrival: Sendable, Equatable {
        /// The artifact's size in bytes; `nil` until the origin has stated it.
        var size: Int64?
        /// The bytes that have arrived here.
        var bytes: Int64 = 0
        /// Whether the pool's service copies it, so that no byte arrives here.
        var isInService = false
    }

    private struct Window {
        let began: ContinuousClock.Instant
        var bytes: Int64 = 0
        var waited = Duration.zero
    }

    private struct State {
        var window: Window
        var arrival = Arrival()
        /// The totals of the windows that were measured.
        var bytes: Int64 = 0
        var time = Duration.zero
        var windows = 0
        /// How many readers wait for the origin now: a copy reads several parts at the same time.
        var readers = 0
        /// When the first of them began to wait.
        var waitingSince: ContinuousClock.Instant
    }

    let clock: any MonotonicClock
    private let began: ContinuousClock.Instant
    private let state: Mutex<State>

    init(clock: any MonotonicClock) {
        self.clock = clock
        let now = clock.instant
        began = now
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
        state.withLock { state in
            state.window.bytes += Int64(bytes)
            state.arrival.bytes += Int64(bytes)
        }
    }

    /// The bytes of the artifact begin to arrive, perhaps again.
    func begin(_ arrival: Arrival) {
        state.withLock { $0.arrival = arrival }
    }

    var arrival: Arrival { state.withLock { $0.arrival } }

    /// How long the copy has been running.
    var elapsed: Duration { began.duration(to: clock.instant) }

    /// How fast the origin is, once a window has ended; then the next one begins.
    ///
    /// - Returns: `nil` if the window has not ended, or if the copy waited for the origin less than half of the time, because the pool or memory held
    ///   it up. Such a window says nothing about the origin and is not measured.
    func takeRates(over length: Duration) -> Rates? {
        let now = clock.instant
        return state.withLock { state in
            let elapsed = state.window.began.duration(to: now)
            guard elapsed >= length, elapsed > .zero else { return nil }
            if state.readers > 0 { state.window.waited += state.waitingSince.duration(to: now) }
            state.waitingSince = now
            let window = state.window
            state.window = Window(began: now)
            guard window.waited * 2 >= elapsed else { return nil }
            state.bytes += window.bytes
            state.time += elapsed
            state.windows += 1
            return Rates(
                last: Int64(Double(window.bytes) / elapsed.inSeconds), average: Int64(Double(state.bytes) / state.time.inSeconds),
                windows: state.windows)
        }
    }
}
