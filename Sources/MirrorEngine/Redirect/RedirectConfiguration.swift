/// How long requests wait and failures are remembered.
package struct RedirectConfiguration: Sendable {
    /// Who waits longer than this for a copy, over all hops, is sent to the origin.
    package var maxWait: Duration
    /// How long one answer is withheld from which client.
    package var clients: ClientTable
    /// The most that a request may ask for with `?wait=`.
    package var waitLimit: Duration
    /// Who waits longer than this for an answer of the state, the pool or the credentials is sent to the origin.
    package var lookLimit: Duration
    /// What a client gets of that which says that it bears less: enough for any pool that is well.
    package var leastLook: Duration
    /// Requests that may wait at the same time; more are sent to the origin at once.
    package var maxWaiting: Int
    /// With a quarter of them for each client network.
    var waiting: ReplicaWaiters.Limits { ReplicaWaiters.Limits(total: maxWaiting, ofNetwork: max(1, maxWaiting / 4)) }
    /// What one client network may ask for that is not there yet.
    package var coldClaims: ColdClaimLimits
    /// How long a redirect's location must work at least.
    package var locationLife: Duration

    /// How long signed locations work, where the signing credentials last as long.
    package var signedLife: Duration { locationLife * 2 }

    package static let defaultLookLimit = Duration.seconds(2)

    package init(
        maxWait: Duration = .seconds(300), clients: ClientTable = ClientTable(unknown: Patience(hop: .seconds(8), hops: 5)),
        waitLimit: Duration = .seconds(300), lookLimit: Duration = defaultLookLimit, leastLook: Duration = .seconds(1),
        maxWaiting: Int = 10_000, coldClaims: ColdClaimLimits = ColdClaimLimits(), locationLife: Duration = .seconds(300)
    ) {
        self.maxWait = maxWait
        self.clients = clients
        self.waitLimit = waitLimit
        self.lookLimit = lookLimit
        self.leastLook = leastLook
        self.maxWaiting = maxWaiting
        self.coldClaims = coldClaims
        self.locationLife = locationLife
    }

    /// - Parameter asked: What the request's `?wait=` says, which goes before everything else: the client knows how long it bears this answer.
    /// - Parameter hop: How often the client was redirected to ourselves before.
    package func wait(asked: Duration?, hop: Int, patience: Patience) -> Wait {
        let look = min(lookLimit, patience.hop)
        if let asked { return Wait(limit: min(asked, waitLimit), look: min(look, max(asked, leastLook))) }
        let before = patience.hop * hop
        let left = max(maxWait - before, .zero)
        let mayHop = hop < patience.hops && left > patience.hop
        return Wait(
            limit: hop <= patience.hops ? min(patience.hop, left) : .zero, look: look, before: min(before, maxWait),
            nextHop: mayHop ? hop + 1 : nil)
    }
}
