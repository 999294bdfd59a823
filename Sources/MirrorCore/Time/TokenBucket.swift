/// An amount that can be spent at once and is refilled at a steady rate. It has no clock: callers pass the time.
///
/// It may be overdrawn if a price is known only afterwards: then nothing can be spent until the debt is paid off.
package struct TokenBucket: Sendable {
    package struct Terms: Sendable, Hashable {
        /// What a full bucket holds.
        package var capacity: Double
        package var perSecond: Double

        package init(capacity: Double, perSecond: Double) {
            self.capacity = capacity
            self.perSecond = perSecond
        }
    }

    package private(set) var level: Double
    private var updated: ContinuousClock.Instant

    /// A full bucket.
    package init(_ terms: Terms, at now: ContinuousClock.Instant) {
        level = terms.capacity
        updated = now
    }

    package mutating func refill(_ terms: Terms, at now: ContinuousClock.Instant) {
        // A caller may have read the time before another caller's turn.
        guard updated < now else { return }
        level = min(terms.capacity, level + updated.duration(to: now).inSeconds * terms.perSecond)
        updated = now
    }

    /// - Parameter maxDebt: How much the bucket may be overdrawn, at most.
    package mutating func charge(_ amount: Double, maxDebt: Double = 0) {
        level = max(level - amount, -maxDebt)
    }

    /// Seconds until it is full.
    package func timeToFull(_ terms: Terms) -> Double { (terms.capacity - level) / terms.perSecond }
}
