import MirrorCore
import MirrorEngine
import NIOCore
import Synchronization

/// Identical requests: the first is on the slow path, and the others share its answer.
///
/// The others have no task, no parsed head and no wait of their own: ten thousand of them cost little more than ten thousand idle connections,
/// and one answer is made for all of them.
final class CoalescedRequests: Sendable {
    /// What makes requests identical, apart from how long they wait: their target, byte for byte, their pool, and whether they are HEAD.
    struct Key: Hashable, Sendable {
        let target: [UInt8]
        var choice: PoolChoice
        let isHead: Bool
    }

    /// A waiting request, and where its connection is.
    final class Member: Sendable {
        let requests: CoalescedRequests
        let since: ContinuousClock.Instant
        /// When it is redirected, to the mirror itself or to the origin.
        let deadline: ContinuousClock.Instant
        let eventLoop: any EventLoop
        /// The network whose budget pays for a claim, if this request takes over.
        let network: ClientNetwork
        /// The client whose share of the waits it takes.
        let sharer: ClientNetwork?
        /// The client that a proxy names as the sender.
        private let forwardedFor: IPAddress?
        private let handler: NIOLoopBound<ConnectionHandler>

        /// - Parameter eventLoop: The handler's; this is called on it.
        init(
            of requests: CoalescedRequests, handler: ConnectionHandler, eventLoop: any EventLoop, since: ContinuousClock.Instant,
            deadline: ContinuousClock.Instant, network: ClientNetwork, sharer: ClientNetwork?, forwardedFor: IPAddress?
        ) {
            self.requests = requests
            self.since = since
            self.deadline = deadline
            self.eventLoop = eventLoop
            self.network = network
            self.sharer = sharer
            self.forwardedFor = forwardedFor
            self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
        }

        /// An identical request of the same client. Nothing else of the original one is kept.
        var request: ByteBuffer {
            var request = ByteBuffer(string: requests.key.isHead ? "HEAD " : "GET ")
            request.writeBytes(requests.key.target)
            request.writeString(" HTTP/1.1\r\nHost: mirror\r\n")
            // In both fields; the slow path reads one of them.
            if let forwardedFor { request.writeString("X-Forwarded-For: \(forwardedFor)\r\nForwarded: for=\"\(forwardedFor)\"\r\n") }
            // Where a client may name its pool in this field, that is what it did.
            if case .chosen = requests.key.choice { request.writeString("X-Cloud-Mirror-Pool: \(requests.pool.id)\r\n") }
            request.writeString("\r\n")
            return request
        }

        /// Called on the event loop.
        fileprivate func answer(_ response: ByteBuffer) {
            handler.value.answer(self, with: response)
        }
    }

    /// The request that takes over when the first one has its answer.
    struct Successor: Sendable {
        /// The network whose budget pays for a claim.
        let network: ClientNetwork
        /// When it must be answered, rounded up.
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var members: [ObjectIdentifier: Member] = [:]
        var isOpen = true
    }

    /// How many answers are written in one go, before other work of the event loop gets its turn.
    private static let batch = 64
    /// The ends of waits are rounded up to this, so that requests that arrive one after the other share them.
    private static let coarseness = Duration.milliseconds(100)

    let key: Key
    let patience: Patience
    /// The artifact that all of them request: equal targets name the same one.
    let origin: any Origin
    let id: ReplicaID
    let pool: Pool
    /// How long each may wait.
    let wait: Wait
    private let state = Mutex(State())

    init(_ key: Key, _ patience: Patience, origin: any Origin, pool: Pool, wait: Wait) {
        self.key = key
        self.patience = patience
        self.origin = origin
        id = ReplicaID(artifact: origin.source.name, pool: pool.id)
        self.pool = pool
        self.wait = wait
    }

    /// - Returns: `false` if it is too late to join.
    func join(_ member: Member) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.members[ObjectIdentifier(member)] = member
            return true
        }
    }

    /// - Returns: Whether it was still waiting.
    func leave(_ member: Member) -> Bool {
        state.withLock { $0.members.removeValue(forKey: ObjectIdentifier(member)) != nil }
    }

    /// From now on no request can join.
    func close() {
        state.withLock { $0.isOpen = false }
    }

    /// Takes all members; no request can join any more.
    func takeAll() -> [Member] {
        state.withLock { state in
            state.isOpen = false
            defer { state.members = [:] }
            return Array(state.members.values)
        }
    }

    /// Takes the members whose deadline has passed.
    func take(until now: ContinuousClock.Instant) -> [Member] {
        take { $0.deadline <= now }
    }

    /// Takes the members of a client network.
    func take(of network: ClientNetwork) -> [Member] {
        take { $0.network == network }
    }

    private func take(where isMeant: (Member) -> Bool) -> [Member] {
        state.withLock { state in
            let taken = state.members.values.filter(isMeant)
            for member in taken { state.members[ObjectIdentifier(member)] = nil }
            return taken
        }
    }

    /// The member with the earliest deadline. If there is none, no request can join any more.
    func successor() -> Successor? {
        state.withLock { state in
            guard let next = state.members.values.min(by: { $0.deadline < $1.deadline }) else {
                state.isOpen = false
                return nil
            }
            return Successor(network: next.network, deadline: next.deadline.roundedUp(to: Self.coarseness))
        }
    }

    /// Sends a response to members that were taken.
    func send(_ response: WholeResponse, to members: [Member], clock: any WallClock) {
        let isHead = key.isHead
        for (_, members) in Dictionary(grouping: members, by: { ObjectIdentifier($0.eventLoop) }) {
            Self.send(members[...]) { response.bytes(at: clock.now, toHead: isHead) }
        }
    }

    private static func send(_ members: ArraySlice<Member>, response: @escaping @Sendable () -> ByteBuffer) {
        members.first?.eventLoop.execute {
            let bytes = response()
            for member in members.prefix(batch) { member.answer(bytes) }
            send(members.dropFirst(batch), response: response)
        }
    }
}
