package import Logging
package import MirrorCore
import Synchronization

/// Lines of the log that strangers can cause as fast as they ask: some at once, and then some a second. What is left out is counted in the next line.
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

    /// Writes a line, unless it is one too many.
    package func log(
        _ level: Logger.Level, _ message: Logger.Message, to logger: Logger, metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level, let leftOut = take() else { return }
        var metadata = metadata()
        if leftOut > 0 { metadata["left_out"] = .stringConvertible(leftOut) }
        logger.log(level: level, message, metadata: metadata)
    }

    /// - Returns: How many lines were left out since the one before; `nil` when this is to be left out.
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
