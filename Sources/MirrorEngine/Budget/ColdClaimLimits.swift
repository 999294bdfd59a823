import MirrorCore

/// How many artifacts without a copy one client network may request; a site may request several times as many (``ClientNetwork``).
///
/// The defaults let the largest honest build through at once, behind one address: an installation of 2,000 packages, or a model of any size in as
/// many files. They limit what continues for longer. An attack of a few seconds looks like such a build, and costs as little.
package struct ColdClaimLimits: Sendable, Hashable {
    /// Claims per second in the long run; 0 sets no limit.
    package var perSecond = 20
    /// Claims at once, after a quiet period.
    package var burst = 2_000
    /// Bytes per minute of the copies that it has started, of pages, and of what the mirror itself sends it; 0 sets no limit.
    package var bytesPerMinute: Int64 = 32 << 30

    /// The limits of a network; those of a site are several times as high.
    func of(_ network: ClientNetwork) -> ColdClaimLimits {
        ColdClaimLimits(
            perSecond: perSecond * network.worth, burst: burst * network.worth,
            bytesPerMinute: min(bytesPerMinute, .max / Int64(network.worth)) * Int64(network.worth))
    }

    package static let none = ColdClaimLimits(perSecond: 0, bytesPerMinute: 0)

    /// `nil` if there is no limit.
    var claims: TokenBucket.Terms? {
        perSecond > 0 ? TokenBucket.Terms(capacity: Double(max(burst, 1)), perSecond: Double(perSecond)) : nil
    }

    /// The capacity is a minute's worth, so a network may start copies of twice as much in the first minute after a quiet period.
    var bytes: TokenBucket.Terms? {
        bytesPerMinute > 0 ? TokenBucket.Terms(capacity: Double(bytesPerMinute), perSecond: Double(bytesPerMinute) / 60) : nil
    }

    /// An hour's worth, so that an absurd size that a pool states does not shut a network out for longer.
    var maxDebt: Double { Double(bytesPerMinute) * 60 }
}
