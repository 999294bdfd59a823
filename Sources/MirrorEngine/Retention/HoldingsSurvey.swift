package import CoreMetrics
package import MirrorCore
package import MirrorState

/// Adds up what a pool holds: bytes by the age of their last use, and bytes that have not been used since they were copied.
///
/// It reads every record of the pool, so it takes its time: after each page it pauses for 99 times as long as that page took, at most ten minutes.
package final class HoldingsSurvey: Sendable {
    package enum Name {
        package static let ages = "cloud_mirror_pool_age_bytes"
        package static let unread = "cloud_mirror_pool_unread_bytes"
    }

    /// Age classes of the last use: name and upper limit; the last class has no limit.
    package static let ages: [(word: String, limit: Duration?)] = [
        ("1h", .seconds(3_600)), ("1d", .seconds(86_400)), ("7d", .seconds(7 * 86_400)), ("30d", .seconds(30 * 86_400)), ("older", nil),
    ]

    /// A use this soon after the copy is that of the client that the copy was made for: the state may not tell it from later ones.
    private static let firstUse = Duration.seconds(60)
    private static let page = 500
    /// A page that took long may have been one during which the machine was asleep.
    private static let longestPause = Duration.seconds(600)

    private let state: any StateStore
    private let factory: any MetricsFactory
    private let clock: any MonotonicClock

    package init(state: any StateStore, factory: any MetricsFactory, clock: any MonotonicClock) {
        self.state = state
        self.factory = factory
        self.clock = clock
    }

    func take(of pool: PoolID) async throws {
        // The time by the clock that uses are recorded with.
        let start = try await state.time(in: pool)
        // Floating point, so that no sum overflows: sizes that a pool states may be absurd.
        var ages = [Double](repeating: 0, count: Self.ages.count)
        var unread = 0.0
        var last: Replica?
        repeat {
            let began = clock.instant
            let replicas = try await state.leastRecentlyUsed(in: pool, after: last, limit: Self.page)
            // What was used or copied since the start may have been counted before, where it was then.
            for case .present(let object) in replicas.map(\.status) where object.lastUsed <= start {
                let idle = object.lastUsed.duration(to: start)
                let age = Self.ages.firstIndex { $0.limit.map { idle <= $0 } ?? true } ?? Self.ages.count - 1
                ages[age] += Double(object.size)
                if object.lastUsed <= object.storedAt + Self.firstUse { unread += Double(object.size) }
            }
            last = replicas.count == Self.page ? replicas.last : nil
            try await clock.sleep(for: min(began.duration(to: clock.instant) * 99, Self.longestPause))
        } while last != nil
        // The rest is what has been used or copied meanwhile.
        let counted = ages.reduce(0, +)
        ages[0] += max(Double(try await state.totals(of: pool).bytes) - counted, 0)
        for (age, bytes) in zip(Self.ages, ages) {
            Gauge(label: Name.ages, dimensions: [("pool", pool.description), ("age", age.word)], factory: factory).record(bytes)
        }
        Gauge(label: Name.unread, dimensions: [("pool", pool.description)], factory: factory).record(unread)
    }
}
