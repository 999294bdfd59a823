package import MirrorCore
package import MirrorState
import Synchronization

/// Remembers which origins have lost their credit: several times in a short while, they did not send what they had stated, or sent it slowly.
///
/// For ten minutes, their copies take room only for bytes that have arrived, and hold one slot at a time; they are still made. It also remembers, for
/// the same time, which origins were merely slow: those share some slots (``CopySlots``).
package final class OriginCredit: Sendable {
    /// How many failed or slow copies an origin may have without losing its credit.
    static let tolerance = 2
    /// How long such a copy is remembered.
    static let memory = Duration.seconds(600)
    /// The maximum number of origins that are remembered.
    static let maxRemembered = 1_000

    private struct Record {
        let origin: CopyLane
        var failures: [ContinuousClock.Instant] = []
        /// When a copy was last too slow.
        var slow: ContinuousClock.Instant?
    }

    private let clock: any MonotonicClock
    /// The origin that was changed last is at the end.
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

    /// Origins that had a slow copy recently.
    var slowOrigins: Set<CopyLane> {
        let since = clock.instant - Self.memory
        return records.withLock { records in Set(records.lazy.filter { $0.slow.map { $0 > since } ?? false }.map(\.origin)) }
    }

    /// Notes a copy that went wrong.
    func lose(_ origin: CopyLane) {
        change(origin) { $0.failures = $0.failures.suffix(Self.tolerance) + [$1] }
    }

    /// Notes that a copy is too slow.
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
