package import MirrorCore
import MirrorStorage
import NIOPosix
import Synchronization

/// Runs the blocking calls of one pool, because neither an event loop nor Swift's own threads may wait for a disk.
///
/// Each pool has its own threads, so that a hanging disk does not block other pools. A hanging call occupies a thread as long as it hangs, but the
/// tasks that wait for it can leave. When all threads hang, further calls fail at once.
package final class FileThreads: Sendable {
    private struct Occupation {
        var busy = 0
        /// When a thread last began or ended a call.
        var changed: ContinuousClock.Instant
    }

    /// How long all threads may be busy, without any becoming free, before the disk counts as hanging.
    static let patience = Duration.seconds(10)
    /// How long a running call may take to end after its task was cancelled; enough for a healthy disk.
    static let lastMoment = Duration.milliseconds(100)

    let pool: NIOThreadPool
    private let clock: any MonotonicClock
    private let occupation: Mutex<Occupation>

    /// - Parameter count: Many more threads than cores, because they wait for the disk: lookups must still get through while copies are synced.
    package init(count: Int = 32, clock: any MonotonicClock = SystemClock()) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
        self.clock = clock
        occupation = Mutex(Occupation(changed: clock.instant))
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Runs `body`; not at all if the task is cancelled, or the limit has passed, before a thread is free.
    ///
    /// - Parameter limit: How long to wait for it; `nil` for no limit.
    /// - Parameter message: What is said after that; `nil` for the usual.
    /// - Throws: `CancellationError` soon after the task is cancelled, and `.timedOut` after the limit, even if `body` hangs, which may then end at
    ///   any later time; `.timedOut` at once if all threads hang.
    func run<Result: Sendable>(
        _ operation: String, within limit: Duration? = nil, saying message: String? = nil, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await start(operation, within: limit, saying: message, body).value
    }

    /// Starts `body` now; its result may be awaited later, or never. The limit is that of the wait.
    func start<Result: Sendable>(
        _ operation: String, within limit: Duration? = nil, saying message: String? = nil, _ body: @escaping @Sendable () throws -> Result
    ) -> FileCall<Result> {
        let call = FileCall(operation, within: limit, saying: message, clock: clock, body)
        guard !allHang else {
            call.fail(.timedOut, "all threads of the pool are waiting for its disk")
            return call
        }
        pool.submit { state in
            guard case .active = state else { return call.fail(.unavailable, "the store is shutting down") }
            self.note(1)
            defer { self.note(-1) }
            call.run()
        }
        return call
    }

    /// Runs `body` even in a cancelled task, to clean up; does not wait for it any longer once the disk counts as hanging.
    func runAlways(_ body: @escaping @Sendable () -> Void) async {
        let end = FirstValue<Void>()
        startAlways {
            body()
            end.give(())
        }
        let alarm = clock.timer(after: Self.patience) { end.give(()) }
        await end.value()
        alarm.cancel()
    }

    /// Starts `body` without waiting for it. If the pool has shut down, runs it on this thread: late cleanup is better than none.
    func startAlways(_ body: @escaping @Sendable () -> Void) {
        pool.submit { state in
            guard case .active = state else { return body() }
            self.note(1)
            defer { self.note(-1) }
            body()
        }
    }

    /// Whether no thread has become free for longer than a healthy disk takes.
    private var allHang: Bool {
        occupation.withLock { occupation in
            occupation.busy == pool.numberOfThreads && occupation.changed.duration(to: clock.instant) >= Self.patience
        }
    }

    private func note(_ change: Int) {
        let now = clock.instant
        occupation.withLock { occupation in
            occupation.busy += change
            occupation.changed = now
        }
    }
}
