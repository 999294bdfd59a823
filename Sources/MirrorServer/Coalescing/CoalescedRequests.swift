import MirrorCore
import MirrorEngine
import NIOCore
import Synchronization

/// Identical requests: the first is on the slow path, and the others share its answer.
///
/// Those others have no task, no parsed head and no wait of their own: ten thousand cost little more than ten thousand silent connections,
/// and one answer is made for all of them.
final class CoalescedRequests: Sendable {
    /// What makes requests identical, beside how long they wait for an answer: their words, byte for byte, and their pool.
    struct Key: Hashable, Sendable {
        let target: [UInt8]
        var choice: PoolChoice
        let isHead: Bool
    }

    /// A request that waits, and where its connection is.
    final class Member: Sendable {
        let requests: CoalescedRequests
        let since: ContinuousClock.Instant
        /// When it is sent on, to ourselves or to the origin.
        let deadline: ContinuousClock.Instant
        let eventLoop: any EventLoop
        /// Who pays for what is not there yet, should it take over.
        let network: ClientNetwork
        /// Whose share of the waits it takes.
        let sharer: ClientNetwork?
        /// Who has sent it, if a proxy says so.
        private let forwardedFor: IPAddress?
        private let handler: NIOLoopBound<ConnectionHandler>

        /// - Parameter eventLoop: The handler's, on which this is called.
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

        /// An identical request of the same client. Nothing else is kept of the one that was sent.
        var request: ByteBuffer {
            var request = ByteBuffer(string: requests.key.isHead ? "HEAD " : "GET ")
            request.writeBytes(requests.key.target)
            request.writeString(" HTTP/1.1\r\nHost: mirror\r\n")
            // In either field, of which the slow path reads one.
            if let forwardedFor { request.writeString("X-Forwarded-For: \(forwardedFor)\r\nForwarded: for=\"\(forwardedFor)\"\r\n") }
            // Read where a client may name its pool so, and then it is what it has named.
            if case .chosen = requests.key.choice { request.writeString("X-Cloud-Mirror-Pool: \(requests.pool.id)\r\n") }
            request.writeString("\r\n")
            return request
        }

        /// Called on the event loop.
        fileprivate func answer(_ response: ByteBuffer) {
            handler.value.answer(self, with: response)
        }
    }

    /// Whoever takes over when the first one has its answer.
    struct Successor: Sendable {
        /// Who pays for what is not there yet.
        let network: ClientNetwork
        /// When its time is over, about.
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var members: [ObjectIdentifier: Member] = [:]
        var isOpen = true
    }

    /// Answers that are written in one go; then others have their turn.
    private static let batch = 64
    /// To which the ends of waits are rounded up, so that requests that come one after the other have few of them.
    private static let coarseness = Duration.milliseconds(100)

    let key: Key
    let patience: Patience
    /// What they ask for, which is one: the words that name it are the same.
    let origin: any Origin
    let id: ReplicaID
    let pool: Pool
    /// What each may wait.
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

    /// - Returns: `false` when it is too late.
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

    /// Lets nobody join any more.
    func close() {
        state.withLock { $0.isOpen = false }
    }

    /// Takes all, and lets nobody join any more.
    func takeAll() -> [Member] {
        state.withLock { state in
            state.isOpen = false
            defer { state.members = [:] }
            return Array(state.members.values)
        }
    }

    /// Takes those whose time is over.
    func take(until now: ContinuousClock.Instant) -> [Member] {
        take { $0.deadline <= now }
    }

    /// Takes those of a client network.
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

    /// The one whose time is over first. When there is none, nobody can join any more.
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
