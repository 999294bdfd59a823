package import MirrorCore

/// Who computes, and until when nobody else may.
package struct ComputingLease: Sendable, Equatable {
    package let holder: String
    package private(set) var ends: Timestamp
    /// From when it was taken or kept last until it ends.
    package let wait: Duration

    package init(holder: String, at now: Timestamp, duration: Duration) {
        self.init(holder: holder, ends: now + duration, wait: duration)
    }

    /// A lease as it was recorded.
    package init(holder: String, ends: Timestamp, wait: Duration) {
        self.holder = holder
        self.ends = ends
        self.wait = wait
    }

    /// Brings a lease that was taken before the clock was set back to its full length from now.
    package mutating func clampWait(at now: Timestamp) { ends = min(ends, now + wait) }
}
