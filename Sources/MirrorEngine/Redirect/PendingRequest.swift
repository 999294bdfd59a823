import MirrorCore
import MirrorState

/// A request that has no answer yet.
///
/// It is a reference, like the answer's larger cases and the services involved: thousands may wait at once, and each waiting function keeps its
/// arguments.
final class PendingRequest: Sendable {
    let origin: any Origin
    let id: ReplicaID
    let pool: Pool
    let token: HotIndex.Token
    let wait: Wait
    let time: RequestTime
    let isHead: Bool
    /// Whether HEAD is answered with a description even if a redirect would do.
    let describes: Bool
    /// How long it may wait for the state's first answer; `nil` for as long as the state itself waits.
    let stateLimit: Duration?
    /// Whose budget pays for artifacts without a copy; `nil` for an admin, who has no budget.
    let network: ClientNetwork?
    /// Whose share of the waits it takes; `nil` if many clients may be behind one address.
    let sharer: ClientNetwork?
    /// Whether it stands for one request, not for others that are already counted.
    let isCounted: Bool
    /// `landed` of ``StateLook/absent(_:landed:)`` if the replica was absent when it was looked up on the way here.
    let absentSince: Int?

    /// - Parameter state: Not yet asked for this request.
    /// - Parameter look: What was noted of the client's request, which may be about another replica.
    init(
        _ origin: any Origin, pool: Pool, state: HotIndex, wait: Wait, time: RequestTime, isHead: Bool, describes: Bool = false,
        look: StateLook? = nil, network: ClientNetwork?, sharer: ClientNetwork? = nil, isCounted: Bool = true
    ) {
        self.origin = origin
        id = ReplicaID(artifact: origin.source.name, pool: pool.id)
        self.pool = pool
        token = state.token(of: id)
        self.wait = wait
        self.time = time
        self.isHead = isHead
        self.describes = describes
        stateLimit = look?.rest
        self.network = network
        self.sharer = sharer
        self.isCounted = isCounted
        absentSince = look?.absentSince(of: id)
    }

    var source: ArtifactSource { origin.source }

    /// Whether it may ask for a copy although the last one has just failed: the origin refused, but has not seen this query.
    func mayClaim(over replica: Replica) -> Bool {
        guard source.query != nil, case .error(let failure) = replica.status else { return false }
        return failure.mayBeOfQuery
    }

    /// The answer after a failed copy. The origin may have refused a different query from this request's; then the client is redirected, so that the
    /// origin can answer it.
    func answer(to failure: CopyFailure) -> RedirectAnswer {
        source.query != nil && failure.mayBeOfQuery ? .origin(.copyFailed) : RedirectAnswer(failure)
    }
}
