package import MirrorCore
package import MirrorState
import Synchronization

/// Which origins have lost their credit: they stated what they did not send, or sent it slowly, several times in a short while.
///
/// For some minutes their copies then take room byte by byte, and hold one slot at a time. They are still copied from.
package final class OriginCredit: Sendable {
    /// Copies that may go wrong.
    static let tolerance = 2
    /// How long one is remembered.
    static let memory = Duration.seconds(600)
    /// Origins that are remembered.
    static let maxRemembered = 1_000

    private struct Record {
        let origin: CopyLane
        var failures: [ContinuousClock.Instant]
    }

    private let clock: any MonotonicClock
    /// Whoever failed last is at the end.
    private let records = Mutex<[Record]>([])

    package init(clock: any MonotonicClock) {
        self.clock = clock
    }

    package func isGood(_ origin: CopyLane) -> Bool {
        let since = clock.instant - Self.memory
        return records.withLock { records in
            guard let record = records.first(where: { $0.origin == origin }) else { return true }
            return record.failures.count { $0 > since } <= Self.tolerance
        }
    }

    /// Notes a copy that went wrong.
    func lose(_ origin: CopyLane) {
        let now = clock.instant
        records.withLock { records in
            let index = records.firstIndex { $0.origin == origin }
            let failures = index.map { records.remove(at: $0).failures } ?? []
            records.append(Record(origin: origin, failures: failures.suffix(Self.tolerance) + [now]))
            if records.count > Self.maxRemembered { records.removeFirst() }
        }
    }
}
