/// How long a client bears an answer that does not come, and how often it lets itself be redirected.
package struct Patience: Sendable, Hashable {
    /// The longest that one answer is withheld.
    package var hop: Duration
    /// Redirects to ourselves that it follows, with two left for those behind them: to the origin, and the origin's own.
    package var hops: Int

    package init(hop: Duration, hops: Int) {
        self.hop = hop
        self.hops = hops
    }
}

/// How long one answer may be withheld, and what comes when that time is over.
package struct Wait: Sendable, Hashable {
    package let limit: Duration
    /// How long it may take to find out what there is to answer with, which is no copy.
    package var look = RedirectConfiguration.defaults.lookLimit
    /// What the hops before this answer have taken.
    package var before = Duration.zero
    /// The number of the hop that comes when the time is over; `nil` where the origin comes.
    package var nextHop: Int?

    /// The answer when the copy is not done in time.
    var timedOut: RedirectAnswer { nextHop.map { .hop($0) } ?? .origin(.timedOut) }
}
