import MirrorCore
import MirrorState

/// One request on its way to an answer.
///
/// An object, like the answer's larger cases and the services on the way: thousands may wait at once, and each function that waits keeps what it was given.
final class PendingRequest: Sendable {
    let origin: any Origin
    let id: ReplicaID
    let pool: Pool
    let token: HotIndex.Token
    let wait: Wait
    let time: RequestTime
    let isHead: Bool
    /// Whether HEAD is answered with what is known also where a redirect would do.
    let describes: Bool
    /// Who pays for what is not there yet; `nil` for an admin, who does not.
    let network: ClientNetwork?
    /// Whose share of the waits it takes; `nil` where many clients may be behind one address.
    let sharer: ClientNetwork?
    /// Whether it is one request, and not for others who are counted already.
    let isCounted: Bool

    init(
        _ origin: any Origin, pool: Pool, token: HotIndex.Token, wait: Wait, time: RequestTime, isHead: Bool, describes: Bool = false,
        network: ClientNetwork?, sharer: ClientNetwork? = nil, isCounted: Bool = true
    ) {
        self.origin = origin
        id = ReplicaID(artifact: origin.source.name, pool: pool.id)
        self.pool = pool
        self.token = token
        self.wait = wait
        self.time = time
        self.isHead = isHead
        self.describes = describes
        self.network = network
        self.sharer = sharer
        self.isCounted = isCounted
    }

    var source: ArtifactSource { origin.source }

    /// Whether it may ask for a copy although the last one has failed a moment ago: the origin has refused, and has not seen this query.
    func mayClaim(over replica: Replica) -> Bool {
        guard source.query != nil, case .error(let failure) = replica.status else { return false }
        return failure.mayBeOfQuery
    }

    /// The origin may have refused another query than this request's: it tells the client itself what it thinks of that.
    func answer(to failure: CopyFailure) -> RedirectAnswer {
        source.query != nil && failure.mayBeOfQuery ? .origin(.copyFailed) : RedirectAnswer(failure)
    }
}
