package import Logging
package import MirrorCore
import Synchronization

/// Limits log lines that strangers can cause as fast as they send requests: a burst, and then some per second. Omitted lines are counted in the next
/// one.
package final class LineBudget: Sendable {
    private struct State {
        var lines: TokenBucket
        var leftOut = 0
    }

    private let terms: TokenBucket.Terms
    private let clock: any MonotonicClock
    private let state: Mutex<State>

    package init(burst: Int = 50, perSecond: Int = 1, clock: any MonotonicClock) {
        terms = TokenBucket.Terms(capacity: Double(burst), perSecond: Double(perSecond))
        self.clock = clock
        state = Mutex(State(lines: TokenBucket(terms, at: clock.instant)))
    }

    /// Writes a line if the budget allows it.
    package func log(
        _ level: Logger.Level, _ message: Logger.Message, to logger: Logger, metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level, let leftOut = take() else { return }
        var metadata = metadata()
        if leftOut > 0 { metadata["left_out"] = .stringConvertible(leftOut) }
        logger.log(level: level, message, metadata: metadata)
    }

    /// - Returns: How many lines were omitted since the last one; `nil` if this one must be omitted.
    private func take() -> Int? {
        let now = clock.instant
        return state.withLock { state in
            state.lines.refill(terms, at: now)
            guard state.lines.level >= 1 else {
                state.leftOut += 1
                return nil
            }
            state.lines.charge(1)
            defer { state.leftOut = 0 }
            return state.leftOut
        }
    }
}
