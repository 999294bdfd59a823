/// How long a client waits for an answer, and how many redirects it follows.
package struct Patience: Sendable, Hashable {
    /// The longest that one answer is delayed.
    package var hop: Duration
    /// How many redirects to the mirror itself it follows, with two left for the redirect to the origin and the origin's own.
    package var hops: Int

    package init(hop: Duration, hops: Int) {
        self.hop = hop
        self.hops = hops
    }
}

/// How long one answer may be delayed, and what the answer is when that time has passed.
package struct Wait: Sendable, Hashable {
    package private(set) var limit: Duration
    /// How long the lookups before the wait for a copy may take.
    package var look = RedirectConfiguration.defaults.lookLimit
    /// How long earlier hops have taken.
    package var before = Duration.zero
    /// The number of the next hop, for when the time has passed; `nil` if the request is then redirected to the origin.
    package var nextHop: Int?

    /// The same, with no more time than is left.
    package func within(_ left: Duration) -> Wait {
        var wait = self
        wait.limit = min(limit, max(left, .zero))
        wait.look = min(look, max(left, .zero))
        return wait
    }

    /// The answer if the copy is not done in time.
    var timedOut: RedirectAnswer { nextHop.map { .hop($0) } ?? .origin(.timedOut) }
}
