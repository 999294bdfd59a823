import HTTPTypes
import MirrorCore
import MirrorEngine

extension RedirectRoutes {
    /// An artifact that a request is for, and how the request is to be treated.
    struct Wish {
        let origin: any Origin
        /// The pool that the route names.
        var pool: RequestTarget.PoolWords?
        var poolName: String?
        /// How long the request may wait, if anything says so.
        var wait: Duration?
        /// How often the client was redirected to ourselves before.
        var hop = 0
        var isReportedMissing = false
        /// What the bytes must have.
        var digest: Digest?
        /// Whether HEAD is answered with what is known of the artifact, and never with a redirect to it.
        var describes = false
        /// Whether its answer may be remembered for others who ask the same.
        var isShared = true
        /// Whether others who ask the same may wait with it.
        var isCoalesced = true
    }

    /// What a request asks for. An object: it is kept for as long as a copy is waited for.
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

    /// How a request was written, as far as answers repeat it.
    struct RequestWords: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let query: String?
    }

    /// The settings that an answer is made by, as each of the tables counts them.
    struct Epochs: Sendable {
        let table: Int
        let coalescing: Int
    }
}
