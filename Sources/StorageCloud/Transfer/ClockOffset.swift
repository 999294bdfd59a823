package import MirrorCore
import Synchronization

/// How far the service's clock is ahead of ours, shared by everybody who signs for it: it refuses requests whose time is more than
/// fifteen minutes off.
package final class ClockOffset: Sendable {
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// Added to our time; zero until somebody has learnt better.
    package var value: Duration { offset.withLock { $0 } }

    package func corrected(_ time: Timestamp) -> Timestamp { time + value }

    /// To be called when the service has refused a request for its time, or with each answer.
    ///
    /// Whether another attempt of a refused request has a chance does not depend on who learnt of it first, but on whether ``value`` is another one now than
    /// when the request was signed.
    ///
    /// - Parameters:
    ///   - date: The answer's `Date` field.
    ///   - now: Our clock when the answer came.
    ///   - tolerance: A smaller change is not worth anything: the answer was under way, and the field has whole seconds.
    /// - Returns: Whether this was news, and the time that requests are signed with changed by more than that.
    @discardableResult
    package func learn(date: String, at now: Timestamp, tolerance: Duration = .seconds(1)) -> Bool {
        guard let theirs = Timestamp(httpDate: date) else { return false }
        let learnt = now.duration(to: theirs)
        return offset.withLock { offset in
            let change = learnt - offset
            guard change > tolerance || change < .zero - tolerance else { return false }
            offset = learnt
            return true
        }
    }
}
