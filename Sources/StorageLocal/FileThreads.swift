package import MirrorCore
import MirrorStorage
import NIOPosix
import Synchronization

/// Where the blocking calls of one pool run: neither an event loop nor Swift's own threads may wait for a disk.
///
/// Each pool has threads of its own, so that a disk that hangs holds none of another pool's. A call that hangs holds a thread for as long as it hangs, and
/// whoever waits for it can leave. Once all threads hang the next calls fail at once.
package final class FileThreads: Sendable {
    private struct Occupation {
        var busy = 0
        /// When a thread last began or ended a call.
        var changed: ContinuousClock.Instant
    }

    /// How long all threads may be busy, without one that comes free, until the disk counts as one that hangs.
    static let patience = Duration.seconds(10)
    /// What a call that is under way has to end in after nobody waits for it any more: on a disk that is well it does.
    static let lastMoment = Duration.milliseconds(100)

    let pool: NIOThreadPool
    private let clock: any MonotonicClock
    private let occupation: Mutex<Occupation>

    /// - Parameter count: Many more threads than cores, because they wait for the disk: while copies sync what they wrote, lookups must still get through.
    package init(count: Int = 32, clock: any MonotonicClock = SystemClock()) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
        self.clock = clock
        occupation = Mutex(Occupation(changed: clock.instant))
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Runs `body`; not at all when the task is cancelled before a thread is free.
    ///
    /// - Throws: `CancellationError` soon after the task is cancelled, also when `body` hangs, which may then end at any later time; `.timedOut` at once when
    ///   all threads hang.
    func run<Result: Sendable>(_ operation: String, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await start(operation, body).value
    }

    /// Runs `body` for no longer than `limit`; whoever waits leaves it then.
    ///
    /// - Throws: As ``run(_:_:)``; `.timedOut` with `message` when the time is over.
    func run<Result: Sendable>(
        _ operation: String, within limit: Duration, _ message: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withAlarm(operation, message, alarm: { [clock] in try await clock.sleep(for: limit) }) {
            try await self.run(operation, body)
        }
    }

    /// Starts `body` now; its result is asked for later, or never.
    func start<Result: Sendable>(_ operation: String, _ body: @escaping @Sendable () throws -> Result) -> FileCall<Result> {
        let call = FileCall(operation, clock: clock, body)
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

    /// Runs `body` even in a cancelled task, for what cleans up; waits for its end only as long as the disk does not count as one that hangs.
    func runAlways(_ body: @escaping @Sendable () -> Void) async {
        let end = FirstValue<Void>()
        startAlways {
            body()
            end.give(())
        }
        let alarm = Task { [clock] in
            try? await clock.sleep(for: Self.patience)
            end.give(())
        }
        await end.value()
        alarm.cancel()
    }

    /// Starts `body`, which nobody waits for; on this thread when the pool has shut down: late cleaning is better than none.
    func startAlways(_ body: @escaping @Sendable () -> Void) {
        pool.submit { state in
            guard case .active = state else { return body() }
            self.note(1)
            defer { self.note(-1) }
            body()
        }
    }

    /// Whether no thread has come free for longer than a disk takes that is well.
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
