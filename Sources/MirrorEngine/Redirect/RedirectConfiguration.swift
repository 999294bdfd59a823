import MirrorState

/// How requests for artifacts are answered: the section `redirect` of the configuration. Its keys are the property names.
package struct RedirectConfiguration: Sendable, Equatable {
    package static let defaults = RedirectConfiguration()

    /// How long a request waits for a copy, over all hops, before it is redirected to the origin.
    package var maxWait: Duration = .seconds(300)
    /// How long one answer is delayed for a client that is not in any table; `hops` is how often it is redirected to the mirror itself.
    package var hop: Duration = .seconds(8)
    package var hops = 5
    /// Searched before the built-in table.
    package var clients: [ClientTable.Family] = []
    /// The longest wait that a request may ask for with `?wait=`.
    package var waitLimit: Duration = .seconds(300)
    /// How long a request waits for the state, the pool or the credentials before it is redirected to the origin.
    package var lookLimit: Duration = .seconds(2)
    /// How long an origin's refusal, or another failure of a copy, is remembered.
    package var negativeLife: Duration = .seconds(30)
    /// Requests that may wait at the same time; further ones are redirected to the origin at once.
    package var maxWaiting = 10_000
    /// Bytes for what is known about present replicas, and for the answers to requests for them; for the hot ones, if not all fit.
    package var memory = Int64(HotMemory.standardLimit)
    /// How many artifacts without a copy one client network may request.
    package var coldClaims = ColdClaimLimits()
    package var status = Status.found
    /// How much of ``lookLimit`` a request gets even if its `?wait=` is shorter: enough for any healthy pool. No key sets it.
    var leastLook: Duration = .seconds(1)

    package enum Status: Int, Sendable, CaseIterable {
        case found = 302, temporaryRedirect = 307
    }

    /// How long the location of a redirect must work, at least.
    static let locationLife = Duration.seconds(300)
    /// How long signed locations work, at most: stores sign as if at the beginning of a window, which is not longer than ``locationLife``.
    static let signedLife = locationLife * 2

    /// How long one answer is delayed for each kind of client.
    var clientTable: ClientTable { ClientTable(clients, unknown: Patience(hop: hop, hops: hops)) }
    /// The limits for waiting requests: at most a quarter of them from one client network.
    var waiting: ReplicaWaiters.Limits { ReplicaWaiters.Limits(total: maxWaiting, ofNetwork: max(1, maxWaiting / 4)) }

    /// - Parameter asked: The request's `?wait=`. It takes precedence over everything else, because the client knows how long it can wait.
    /// - Parameter hop: How often the client has already been redirected to the mirror itself.
    /// - Parameter isRelayed: Whether the mirror sends the origin's bytes itself if the copy is not done. The origin needs time for that, so a wait
    ///   that took most of an answer's time ends with one more hop, after which there is no wait.
    package func wait(asked: Duration?, hop: Int, patience: Patience, isRelayed: Bool = false) -> Wait {
        func next(after limit: Duration) -> Int? { isRelayed && limit > patience.hop / 2 ? hop + 1 : nil }
        let look = min(lookLimit, patience.hop)
        if let asked {
            let limit = min(asked, waitLimit)
            return Wait(limit: limit, look: min(look, max(asked, leastLook)), nextHop: next(after: limit))
        }
        let before = patience.hop * hop
        let left = max(maxWait - before, .zero)
        let limit = hop <= patience.hops ? min(patience.hop, left) : .zero
        let mayHop = hop < patience.hops && left > patience.hop
        return Wait(limit: limit, look: look, before: min(before, maxWait), nextHop: mayHop ? hop + 1 : next(after: limit))
    }
}
