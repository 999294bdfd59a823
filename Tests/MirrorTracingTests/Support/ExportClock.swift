import MirrorCore
import MirrorTesting
import Synchronization

@testable import MirrorTracing

/// A clock for the exporter: pauses between attempts take no time and are remembered, and its limits pass when a test says so.
final class ExportClock: MirrorClock {
    private static let limits = [SpanExporter.interval, SpanExporter.requestLimit, SpanExporter.flushLimit]

    private let limits = ManualClock()
    private let past = Mutex<[Duration]>([])

    var now: Timestamp { limits.now }
    var instant: ContinuousClock.Instant { limits.instant }
    /// In the order in which they were made.
    var pauses: [Duration] { past.withLock { $0 } }

    func sleep(until deadline: ContinuousClock.Instant) async throws { try await sleep(for: instant.duration(to: deadline)) }

    func sleep(for duration: Duration) async throws {
        if Self.limits.contains(duration) { return try await limits.sleep(for: duration) }
        try Task.checkCancellation()
        past.withLock { $0.append(duration) }
    }

    /// Returns once the exporter waits for one of its limits.
    func waiting() async { await limits.sleepers(1) }

    /// Lets one of the exporter's limits pass, once so many of them are waited for.
    func pass(_ limit: Duration, among count: Int = 1) async {
        await limits.sleepers(count)
        limits.advance(by: limit)
    }
}
