package import MirrorCore
import Synchronization

/// Remembers which traces have asked for copies: a copy is made by another task, from a queue that knows nothing about traces.
///
/// Only of this process: what a copier of another process makes begins a trace of its own.
package final class TracedClaims: Sendable {
    private struct Claim {
        let context: TraceContext
        let at: ContinuousClock.Instant
    }

    /// Further claims push out the oldest.
    private static let capacity = 1_000
    /// A copy that begins later is hardly the one that was asked for.
    private static let life = Duration.seconds(900)

    private let clock: any MonotonicClock
    private let claims = Mutex(RecentEntries<ReplicaID, Claim>(capacity: capacity))

    init(clock: any MonotonicClock) {
        self.clock = clock
    }

    /// The span is about to ask for this copy.
    ///
    /// - Returns: `false` if another one has done so before.
    package func note(_ id: ReplicaID, by span: MirrorSpan) -> Bool {
        guard span.isRecording, context(of: id) == nil else { return false }
        let claim = Claim(context: span.traceContext, at: clock.instant)
        claims.withLock { $0.insert(claim, for: id) }
        return true
    }

    /// The span that has asked for this copy; `nil` if none did, or long ago.
    package func context(of id: ReplicaID) -> TraceContext? {
        guard let claim = claims.withLock({ $0[id] }), claim.at + Self.life > clock.instant else { return nil }
        return claim.context
    }

    /// The copy has ended, or was not asked for.
    package func forget(_ id: ReplicaID) {
        _ = claims.withLock { $0.remove(id) }
    }
}
