/// What one client network may ask for that is not there yet; a site has several times as much (``ClientNetwork``).
///
/// The defaults let the largest honest build through at once, behind one address: an installation of 2,000 packages, or a model of any size in as many files. What
/// they bound is what goes on. An attack of a few seconds looks like such a build, and costs as little.
package struct ColdClaimLimits: Sendable, Hashable {
    /// Claims; 0 sets no limit.
    package var perSecond = 20
    /// Claims at once, after a while without any.
    package var burst = 2_000
    /// Of the copies that it has started; 0 sets no limit.
    package var bytesPerMinute: Int64 = 32 << 30

    /// What that network may ask for: a site as much as several clients.
    func of(_ network: ClientNetwork) -> ColdClaimLimits {
        ColdClaimLimits(
            perSecond: perSecond * network.worth, burst: burst * network.worth,
            bytesPerMinute: min(bytesPerMinute, .max / Int64(network.worth)) * Int64(network.worth))
    }

    package static let none = ColdClaimLimits(perSecond: 0, bytesPerMinute: 0)

    /// `nil` where there is no limit.
    var claims: TokenBucket.Terms? {
        perSecond > 0 ? TokenBucket.Terms(capacity: Double(max(burst, 1)), perSecond: Double(perSecond)) : nil
    }

    /// A minute's worth, so that a network that was quiet may start copies of twice as much in its first minute.
    var bytes: TokenBucket.Terms? {
        bytesPerMinute > 0 ? TokenBucket.Terms(capacity: Double(bytesPerMinute), perSecond: Double(bytesPerMinute) / 60) : nil
    }

    /// An hour's worth: an absurd size, which a pool states, does not shut anybody out for longer.
    var maxDebt: Double { Double(bytesPerMinute) * 60 }
}
