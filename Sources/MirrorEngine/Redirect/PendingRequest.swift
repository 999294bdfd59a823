import MirrorCore
import MirrorState

/// One request on its way to an answer.
struct PendingRequest: Sendable {
    let source: ArtifactSource
    let id: ReplicaID
    let pool: Pool
    var token: HotIndex.Token
    let wait: Wait
    let deadline: ContinuousClock.Instant
    let isHead: Bool
    /// Who waits for the answer; `nil` when others than one client do.
    let client: ClientPresence?
    /// Who pays for what is not there yet; `nil` for an admin, who does not.
    let network: ClientNetwork?

    init(
        _ source: ArtifactSource, pool: Pool, token: HotIndex.Token, wait: Wait, deadline: ContinuousClock.Instant, isHead: Bool,
        client: ClientPresence? = nil, network: ClientNetwork?
    ) {
        self.source = source
        id = ReplicaID(artifact: source.name, pool: pool.id)
        self.pool = pool
        self.token = token
        self.wait = wait
        self.deadline = deadline
        self.isHead = isHead
        self.client = client
        self.network = network
    }

    /// Whether it may ask for a copy although the last one has failed a moment ago: the origin has refused, and has not seen this query.
    func mayClaim(over replica: Replica) -> Bool {
        guard source.query != nil, case .error(let failure) = replica.status else { return false }
        return failure.mayBeOfQuery
    }

    /// The origin may have refused another query than this request's: it tells the client itself what it thinks of that.
    func answer(to failure: CopyFailure) -> RedirectAnswer {
        source.query != nil && failure.mayBeOfQuery ? .origin(.copyFailed) : RedirectAnswer(failure)
    }

    /// The answer when the copy is not done by the deadline.
    var timedOut: RedirectAnswer { wait.nextHop.map { .hop($0) } ?? .origin(.timedOut) }
}
