import MirrorState

/// How requests for artifacts are answered: the section `redirect` of the configuration, whose keys are the names of the properties.
package struct RedirectConfiguration: Sendable, Equatable {
    package static let defaults = RedirectConfiguration()

    /// Who waits longer than this for a copy, over all hops, is sent to the origin.
    package var maxWait: Duration = .seconds(300)
    /// How long one answer is withheld, and how often a client is redirected to the mirror itself, where it is none that is known.
    package var hop: Duration = .seconds(8)
    package var hops = 5
    /// Looked through before the built-in table.
    package var clients: [ClientTable.Family] = []
    /// The most that a request may ask for with `?wait=`.
    package var waitLimit: Duration = .seconds(300)
    /// Who waits longer than this for an answer of the state, the pool or the credentials is sent to the origin.
    package var lookLimit: Duration = .seconds(2)
    /// How long an origin's refusal is remembered.
    package var negativeLife: Duration = .seconds(30)
    /// Requests that may wait at the same time; more are sent to the origin at once.
    package var maxWaiting = 10_000
    /// Bytes for what is known of present replicas, and how requests for them are answered: the hot ones, if not all of them fit.
    package var memory = Int64(HotMemory.standardLimit)
    /// What one client network may ask for that is not there yet.
    package var coldClaims = ColdClaimLimits()
    package var status = Status.found
    /// What a client gets of ``lookLimit`` which says that it bears less: enough for any pool that is well. No key sets it.
    var leastLook: Duration = .seconds(1)

    package enum Status: Int, Sendable, CaseIterable {
        case found = 302, temporaryRedirect = 307
    }

    /// How long a redirect's location must work at least.
    static let locationLife = Duration.seconds(300)
    /// How long signed locations work at most: stores sign as at the beginning of a window, which is no longer than ``locationLife``.
    static let signedLife = locationLife * 2

    /// How long one answer is withheld from which client.
    var clientTable: ClientTable { ClientTable(clients, unknown: Patience(hop: hop, hops: hops)) }
    /// With a quarter of them for each client network.
    var waiting: ReplicaWaiters.Limits { ReplicaWaiters.Limits(total: maxWaiting, ofNetwork: max(1, maxWaiting / 4)) }

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
