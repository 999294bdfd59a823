package import Logging
package import MirrorCore
package import NIOHTTP1
import Synchronization

/// How far the service's clock is ahead of ours, shared by all code that signs for it. The service refuses requests whose time is more than
/// fifteen minutes off.
package final class ClockOffset: Sendable {
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// Added to our time; zero until learnt.
    package var value: Duration { offset.withLock { $0 } }

    package func corrected(_ time: Timestamp) -> Timestamp { time + value }

    /// Learns from an answer, and logs it if that changes the time in signatures.
    package func learn(
        from headers: HTTPHeaders, at now: Timestamp, tolerance: Duration, _ logger: Logger, _ metadata: Logger.Metadata = [:]
    ) {
        guard let date = headers.first(name: "date"), learn(date: date, at: now, tolerance: tolerance) else { return }
        logger.warning(
            "this machine's clock is off; signatures use the service's time from now on",
            metadata: metadata.merging(["offset_seconds": .stringConvertible(value.inSeconds.rounded())]) { first, _ in first })
    }

    /// Call it when the service has refused a request because of its time, or with each answer.
    ///
    /// Whether a refused request is worth another attempt does not depend on which caller learnt the offset first, but on whether ``value`` has
    /// changed since the request was signed.
    ///
    /// - Parameters:
    ///   - date: The answer's `Date` field.
    ///   - now: Our time when the answer arrived.
    ///   - tolerance: Smaller changes are ignored: the answer took time to arrive, and the field has whole seconds.
    /// - Returns: Whether the time that requests are signed with has changed by more than the tolerance.
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
