import MirrorCore
import Synchronization
import TestServers

/// A ``HastyClock`` on which a test can let time pass.
final class SkippingClock: MirrorClock {
    private let base = HastyClock(shortestLimit: .seconds(5))
    private let skipped = Mutex(Duration.zero)

    var now: Timestamp { base.now }

    var instant: ContinuousClock.Instant { base.instant + skipped.withLock { $0 } }

    func sleep(until deadline: ContinuousClock.Instant) async throws { try await sleep(for: instant.duration(to: deadline)) }

    func sleep(for duration: Duration) async throws { try await base.sleep(for: duration) }

    /// The time of day stays as it is.
    func skip(_ duration: Duration) { skipped.withLock { $0 += duration } }
}
