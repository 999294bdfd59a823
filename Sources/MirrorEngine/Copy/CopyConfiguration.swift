import MirrorCore

/// How copies are made.
package struct CopyConfiguration: Sendable {
    /// Copies of this process at the same time.
    package var concurrency: Int
    /// Of them those of one origin.
    package var maxPerOrigin: Int
    /// Copies beyond `concurrency` that may go on although they are slow.
    package var slowConcurrency: Int
    /// Bytes a second below which a copy is slow.
    package var minRate: Int64
    /// Over how long that is measured.
    package var minRateWindow: Duration
    /// Bytes of a ranged part; made larger where a store takes too few parts.
    package var partSize: Int64
    /// Parts of one copy at the same time.
    package var partConcurrency: Int
    /// Bytes of memory for the parts of all copies, where parts have to be in memory before they are stored.
    package var memory: Int64
    /// Leases of one job before it is given up.
    package var maxAttempts: Int
    package var maxObjectSize: Int64
    /// Whether a web page is refused where the artifact's name says that it is something else (``FileType``).
    package var refusesPages: Bool
    /// How long a lease runs without a heartbeat: how long a dead worker's copy stays pending.
    package var lease: Duration
    /// The pause before the second attempt; doubled for each one after, up to `backoffLimit`, with jitter.
    package var backoff: Duration
    package var backoffLimit: Duration
    /// How long a failure is the answer before somebody may try again.
    package var negativeLife: Duration
    /// How long running copies may go on when the process is asked to end.
    package var shutdownGrace: Duration

    /// - Parameter maxPerOrigin: `nil` is half of `concurrency`, so that one origin never holds up the others.
    package init(
        concurrency: Int = 16, maxPerOrigin: Int? = nil, slowConcurrency: Int = 4, minRate: Int64 = 16 << 10,
        minRateWindow: Duration = .seconds(30), partSize: Int64 = 16 << 20, partConcurrency: Int = 4, memory: Int64 = 48 << 20,
        maxAttempts: Int = 5, maxObjectSize: Int64 = 5 << 40, refusesPages: Bool = true, lease: Duration = .seconds(15),
        backoff: Duration = .milliseconds(200),
        backoffLimit: Duration = .seconds(30), negativeLife: Duration = .seconds(30), shutdownGrace: Duration = .seconds(25)
    ) {
        self.concurrency = concurrency
        self.maxPerOrigin = maxPerOrigin ?? (concurrency + 1) / 2
        self.slowConcurrency = slowConcurrency
        self.minRate = minRate
        self.minRateWindow = minRateWindow
        self.partSize = partSize
        self.partConcurrency = partConcurrency
        self.memory = memory
        self.maxAttempts = maxAttempts
        self.maxObjectSize = maxObjectSize
        self.refusesPages = refusesPages
        self.lease = lease
        self.backoff = backoff
        self.backoffLimit = backoffLimit
        self.negativeLife = negativeLife
        self.shutdownGrace = shutdownGrace
    }

    /// The pause after attempt number `attempt` failed: exponential, with "equal jitter" so that it is never next to nothing.
    func pause(after attempt: Int, random: Double) -> Duration {
        Backoff(first: backoff, limit: backoffLimit).pause(after: attempt, jitter: 0.5, random: random)
    }
}
