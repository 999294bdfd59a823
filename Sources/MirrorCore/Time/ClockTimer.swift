/// A call that a clock makes later (``MonotonicClock/timer(at:_:)``).
public struct ClockTimer: Sendable {
    private let stop: @Sendable () -> Void

    /// - Parameter cancel: Keeps the call from being made. Called any number of times, also after the call was made.
    public init(cancel: @escaping @Sendable () -> Void) {
        stop = cancel
    }

    /// A task that makes the call after a sleep.
    init(_ action: @escaping @Sendable () -> Void, after sleep: @escaping @Sendable () async throws -> Void) {
        let task = Task {
            do {
                try await sleep()
                action()
            } catch {
                // It was cancelled.
            }
        }
        stop = { task.cancel() }
    }

    /// From now on the call is not made, unless it is being made at this moment.
    public func cancel() { stop() }
}
