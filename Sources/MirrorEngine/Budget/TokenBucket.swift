import MirrorCore

/// What may be spent at once, and is refilled at a steady rate. Knows no clock: whoever asks says what time it is.
///
/// May be overdrawn where a price is only known afterwards: then nothing can be spent until that is paid off.
struct TokenBucket: Sendable {
    struct Terms: Sendable, Hashable {
        /// What a full one holds.
        var capacity: Double
        var perSecond: Double
    }

    private(set) var level: Double
    private var updated: ContinuousClock.Instant

    /// A full one.
    init(_ terms: Terms, at now: ContinuousClock.Instant) {
        level = terms.capacity
        updated = now
    }

    mutating func refill(_ terms: Terms, at now: ContinuousClock.Instant) {
        // Callers take the time before they have their turn.
        guard updated < now else { return }
        level = min(terms.capacity, level + updated.duration(to: now).inSeconds * terms.perSecond)
        updated = now
    }

    /// - Parameter maxDebt: What it may be overdrawn by, at most.
    mutating func charge(_ amount: Double, maxDebt: Double = 0) {
        level = max(level - amount, -maxDebt)
    }

    /// Seconds until it is full.
    func timeToFull(_ terms: Terms) -> Double { (terms.capacity - level) / terms.perSecond }
}
