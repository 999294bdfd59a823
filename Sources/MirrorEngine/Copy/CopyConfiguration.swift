package import MirrorCore
import MirrorNet

/// How artifacts are copied: the section `copy` of the configuration. Its keys are the property names.
package struct CopyConfiguration: Sendable, Equatable {
    package static let defaults = CopyConfiguration()

    /// Copies that this process makes at the same time.
    package var concurrency = 16
    /// How many of them may be from one origin; `nil` is half of ``concurrency``, so that one origin does not hold up the others.
    package var maxPerOrigin: Int?
    /// Bytes per second below which a copy is slow and gives up its slot.
    package var minRate: Int64 = 16 << 10
    /// The period over which the rate is measured.
    package var minRateWindow: Duration = .seconds(30)
    /// Slow copies that may continue in addition to ``concurrency`` others.
    package var slowConcurrency = 4
    /// The size of a part in bytes; larger if a store does not accept that many parts.
    package var partSize: Int64 = 16 << 20
    /// Parts of one copy that are in progress at the same time.
    package var partConcurrency = 4
    /// Bytes of memory for the parts of all copies, if parts must be in memory before they are stored.
    package var memory: Int64 = 48 << 20
    /// How many times a job is leased before it is given up.
    package var maxAttempts = 5
    package var maxObjectSize: Int64 = 5 << 40
    /// Whether to refuse a web page if the artifact's name says that it is something else (``FileType``).
    package var refuseHTML = true
    /// How long the origin may send no bytes.
    package var idleTimeout = OutboundConfiguration().idleTimeout
    package var connectTimeout = OutboundConfiguration().connectTimeout
    /// How long a lease lasts without a heartbeat, which is how long a dead worker's copy is delayed.
    package var lease: Duration = .seconds(15)
    /// The maximum number of jobs, queued and leased.
    package var maxQueued = 100_000
    /// The same for one origin in one pool; `nil` is a tenth of ``maxQueued``.
    package var maxQueuedPerOrigin: Int?
    package var frontEnd = FrontEnd.auto
    /// The pause before another attempt, with jitter.
    package var backoff = Backoff(first: .milliseconds(200), limit: .seconds(30))

    /// Whether `serve` makes copies itself.
    package enum FrontEnd: String, Sendable, CaseIterable {
        /// For pools that no live `copier` serves.
        case auto
        case always, never
    }

    var slotsPerOrigin: Int { maxPerOrigin ?? (concurrency + 1) / 2 }
    package var queuedPerOrigin: Int { maxQueuedPerOrigin ?? max(maxQueued / 10, 1) }

    /// The pause after attempt number `attempt` failed: exponential, with "equal jitter", so that it is never close to zero.
    func pause(after attempt: Int, random: Double) -> Duration {
        backoff.pause(after: attempt, jitter: 0.5, random: random)
    }
}
