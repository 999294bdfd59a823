package import MirrorCore
import MirrorNet

/// How artifacts are copied: the section `copy` of the configuration, whose keys are the names of the properties.
package struct CopyConfiguration: Sendable, Equatable {
    package static let defaults = CopyConfiguration()

    /// Copies of this process at the same time.
    package var concurrency = 16
    /// Of them those of one origin; `nil` is half of ``concurrency``, so that one origin never holds up the others.
    package var maxPerOrigin: Int?
    /// Bytes a second below which a copy is slow, and gives its slot up.
    package var minRate: Int64 = 16 << 10
    /// Over how long that is measured.
    package var minRateWindow: Duration = .seconds(30)
    /// Copies beyond ``concurrency`` that may go on although they are slow.
    package var slowConcurrency = 4
    /// Bytes of a ranged part; made larger where a store takes too few parts.
    package var partSize: Int64 = 16 << 20
    /// Parts of one copy at the same time.
    package var partConcurrency = 4
    /// Bytes of memory for the parts of all copies, where parts have to be in memory before they are stored.
    package var memory: Int64 = 48 << 20
    /// Leases of one job before it is given up.
    package var maxAttempts = 5
    package var maxObjectSize: Int64 = 5 << 40
    /// Whether a web page is refused where the artifact's name says that it is something else (``FileType``).
    package var refuseHTML = true
    /// Without a byte from the origin.
    package var idleTimeout = OutboundConfiguration().idleTimeout
    package var connectTimeout = OutboundConfiguration().connectTimeout
    /// How long a lease runs without a heartbeat: how long a dead worker's copy stays pending.
    package var lease: Duration = .seconds(15)
    /// Jobs, queued and leased.
    package var maxQueued = 100_000
    /// Of one origin in one pool; `nil` is a tenth of ``maxQueued``.
    package var maxQueuedPerOrigin: Int?
    package var frontEnd = FrontEnd.auto
    /// The pause before another attempt, with jitter.
    package var backoff = Backoff(first: .milliseconds(200), limit: .seconds(30))

    /// Whether `serve` copies, too.
    package enum FrontEnd: String, Sendable, CaseIterable {
        /// For pools that no live `copier` looks after.
        case auto
        case always, never
    }

    var slotsPerOrigin: Int { maxPerOrigin ?? (concurrency + 1) / 2 }
    package var queuedPerOrigin: Int { maxQueuedPerOrigin ?? max(maxQueued / 10, 1) }

    /// The pause after attempt number `attempt` failed: exponential, with "equal jitter" so that it is never next to nothing.
    func pause(after attempt: Int, random: Double) -> Duration {
        backoff.pause(after: attempt, jitter: 0.5, random: random)
    }
}
