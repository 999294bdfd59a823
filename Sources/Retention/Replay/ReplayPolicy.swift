/// The policies that a replay compares.
package enum ReplayPolicy: String, Sendable, CaseIterable {
    /// Every client is sent to the origin.
    case never
    /// Copies stay for ever.
    case store
    /// A day after the copy, whatever is read in between.
    case dayFixed = "ttl-1d-fixed"
    /// A day after the last use.
    case day = "ttl-1d"
    /// As long after the last use as a copy costs as much as keeping.
    case breakEven = "tstar"
    case halfBreakEven = "tstar-half"
    /// What is learnt from the uses so far, guarded.
    case hazard
    /// The cheapest that is possible with everything known in advance.
    case clairvoyant
}
