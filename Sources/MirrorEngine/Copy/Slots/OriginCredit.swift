package import MirrorCore
package import MirrorState
import Synchronization

/// Which origins have lost their credit: they stated what they did not send, or sent it slowly, several times in a short while.
///
/// For some minutes their copies then take room byte by byte, and hold one slot at a time. They are still copied from. Also remembers for as long which
/// origins were merely slow: those share some slots (``CopySlots``).
package final class OriginCredit: Sendable {
    /// Copies that may go wrong.
    static let tolerance = 2
    /// How long one is remembered.
    static let memory = Duration.seconds(600)
    /// Origins that are remembered.
    static let maxRemembered = 1_000

    private struct Record {
        let origin: CopyLane
        var failures: [ContinuousClock.Instant] = []
        /// When a copy gave its slot up last.
        var slow: ContinuousClock.Instant?
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

    /// Origins of which a copy gave its slot up of late.
    var slowOrigins: Set<CopyLane> {
        let since = clock.instant - Self.memory
        return records.withLock { records in Set(records.lazy.filter { $0.slow.map { $0 > since } ?? false }.map(\.origin)) }
    }

    /// Notes a copy that went wrong.
    func lose(_ origin: CopyLane) {
        change(origin) { $0.failures = $0.failures.suffix(Self.tolerance) + [$1] }
    }

    /// Notes a copy that has given its slot up.
    func noteSlow(_ origin: CopyLane) {
        change(origin) { $0.slow = $1 }
    }

    private func change(_ origin: CopyLane, _ body: (inout Record, _ now: ContinuousClock.Instant) -> Void) {
        let now = clock.instant
        records.withLock { records in
            var record = records.firstIndex { $0.origin == origin }.map { records.remove(at: $0) } ?? Record(origin: origin)
            body(&record, now)
            records.append(record)
            if records.count > Self.maxRemembered { records.removeFirst() }
        }
    }
}
