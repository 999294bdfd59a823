import HTTPTypes
import MirrorCore
import MirrorEngine

extension RedirectRoutes {
    /// The artifact that a request is for, and how to treat the request.
    struct Wish {
        let origin: any Origin
        /// The pool that the route names.
        var pool: RequestTarget.PoolWords?
        var poolName: String?
        /// How long the request may wait, if anything states it.
        var wait: Duration?
        /// How many hops came before.
        var hop = 0
        /// By when it has its answer, if it began before it is read; `nil` if nothing came before.
        var end: ContinuousClock.Instant?
        /// Whether the mirror sends the origin's bytes itself if the copy is not done.
        var isRelayed = false
        var isReportedMissing = false
        /// The digest that the bytes must have.
        var digest: Digest?
        /// Whether HEAD is answered with a description of the artifact, and never with a redirect to it.
        var describes = false
        /// Whether its answer may be remembered for identical requests.
        var isShared = true
        /// Whether identical requests may wait with it.
        var isCoalesced = true
    }

    /// A request, as far as it has to be kept while it waits for a copy: hence a class.
    final class Call: Sendable {
        let origin: any Origin
        let pool: Pool?
        let reason: PoolReason
        let wait: Wait
        let isReportedMissing: Bool
        let digest: Digest?
        let describes: Bool
        let network: ClientNetwork
        let sharer: ClientNetwork?
        let words: RequestWords
        let epochs: Epochs
        let key: CoalescedRequests.Key?
        let coalesced: CoalescedRequests?

        init(
            _ origin: any Origin, in pool: Pool?, for reason: PoolReason, wait: Wait, isReportedMissing: Bool, digest: Digest?,
            describes: Bool, network: ClientNetwork, sharer: ClientNetwork?, words: RequestWords, epochs: Epochs,
            key: CoalescedRequests.Key?, coalesced: CoalescedRequests?
        ) {
            self.origin = origin
            self.pool = pool
            self.reason = reason
            self.wait = wait
            self.isReportedMissing = isReportedMissing
            self.digest = digest
            self.describes = describes
            self.network = network
            self.sharer = sharer
            self.words = words
            self.epochs = epochs
            self.key = key
            self.coalesced = coalesced
        }
    }

    /// The parts of a request that answers repeat.
    struct RequestWords: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let query: String?
    }

    /// The settings that an answer is based on, as counted by each of the tables.
    struct Epochs: Sendable {
        let table: Int
        let coalescing: Int
    }
}
