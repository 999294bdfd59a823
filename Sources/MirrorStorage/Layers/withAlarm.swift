package import MirrorCore
import Synchronization

/// Runs `call` until an alarm rings.
///
/// Then the call is cancelled and awaited, so that nothing of it is left behind; if it succeeds nevertheless, its result is returned. A call that
/// waits for nothing needs no alarm.
///
/// - Parameter alarm: Sets the alarm, which calls `ring`.
/// - Throws: ``StorageError/Code/timedOut`` if the alarm came first; otherwise what `call` threw.
package func withAlarm<Value: Sendable>(
    _ operation: @autoclosure () -> String, _ message: @autoclosure () -> String,
    alarm: (_ ring: @escaping @Sendable () -> Void) -> ClockTimer, _ call: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let watch = CallWatch()
    let work = startNow { () async throws -> Value in
        defer { watch.end() }
        return try await call()
    }
    if watch.hasEnded { return try await work.value }
    let timer = alarm { if watch.ring() { work.cancel() } }
    defer { timer.cancel() }
    do {
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    } catch  where watch.hasRung && !Task.isCancelled {
        throw StorageError(.timedOut, message(), operation: operation(), cause: error)
    }
}

/// Whether a call has ended, or its alarm has rung: whichever was first.
private final class CallWatch: Sendable {
    private enum State {
        case running, ended, rung
    }

    private let state = Mutex(State.running)

    var hasEnded: Bool { state.withLock { $0 == .ended } }
    var hasRung: Bool { state.withLock { $0 == .rung } }

    func end() { state.withLock { if $0 == .running { $0 = .ended } } }

    /// - Returns: Whether the call was still running.
    func ring() -> Bool {
        state.withLock { state in
            guard state == .running else { return false }
            state = .rung
            return true
        }
    }
}
