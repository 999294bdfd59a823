import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore
import ServiceLifecycle
import Synchronization

/// The requests that identical ones can join now.
///
/// A request that joins gets an answer that was begun before it. So nothing can be joined once the ``HotIndex`` reports a change to the
/// replica: a request that arrives after a purge never gets an answer from before it.
final class CoalescingTable: Sendable {
    private struct State {
        var requests: [CoalescedRequests.Key: [Patience: CoalescedRequests]] = [:]
        var keys: [ReplicaID: Set<CoalescedRequests.Key>] = [:]
        var epoch = 0
    }

    private let state = Mutex(State())
    private let redirects: RedirectService
    private let selector: Reloadable<PoolSelector>
    private let metrics: EngineMetrics
    private let clock: any MirrorClock
    /// Requests whose first one has been answered, while others still have time to wait; each with that first answer.
    private let (orphaned, orphan) = AsyncStream.makeStream(of: (CoalescedRequests, RedirectAnswer).self)

    init(redirects: RedirectService, selector: Reloadable<PoolSelector>, metrics: EngineMetrics, clock: any MirrorClock) {
        self.redirects = redirects
        self.selector = selector
        self.metrics = metrics
        self.clock = clock
    }

    /// How many different ones are open.
    var count: Int { state.withLock { $0.requests.values.reduce(0) { $0 + $1.count } } }

    /// Checked first for every request that has no answer in memory.
    var isEmpty: Bool { state.withLock { $0.requests.isEmpty } }

    /// Lets others join a request on the slow path, until ``end(_:from:as:with:)`` gets its answer.
    ///
    /// - Returns: `nil` if identical requests are open already, or if settings have changed since `epoch`.
    func open(
        _ key: CoalescedRequests.Key, _ patience: Patience, _ origin: any Origin, in pool: Pool, wait: Wait, epoch: Int
    ) -> CoalescedRequests? {
        state.withLock { state in
            guard epoch == state.epoch, state.requests[key]?[patience] == nil else { return nil }
            let requests = CoalescedRequests(key, patience, origin: origin, pool: pool, wait: wait)
            state.requests[key, default: [:]][patience] = requests
            state.keys[requests.id, default: []].insert(key)
            return requests
        }
    }

    /// Joins identical requests. Called on the event loop of the handler.
    ///
    /// - Parameter choice: The pool for the client if the target names none; `nil` if it is not known.
    /// - Parameter userAgent: The field `User-Agent`; read only if there may be something to join.
    /// - Parameter peer: The other end of the connection.
    /// - Parameter forwarded: The values of the fields in which proxies name clients, within the limits of ``ForwardedFields``.
    /// - Returns: `nil` if there is nothing to join, or if as many requests wait as are allowed to.
    func join<UserAgent: Collection<UInt8>>(
        _ target: some Sequence<UInt8>, _ choice: PoolChoice?, isHead: Bool, userAgent: @autoclosure () -> UserAgent?,
        from peer: IPAddress?, forwarded: (ProxyHeader) -> [String], _ handler: ConnectionHandler, on eventLoop: any EventLoop
    ) -> CoalescedRequests.Member? {
        let key = CoalescedRequests.Key(target: Array(target), choice: .named, isHead: isHead)
        guard let requests = find(key, or: choice, patience: { redirects.patience(of: userAgent()) }) else { return nil }
        let selector = selector.value
        let client = selector.client(peer: peer, values: forwarded)
        let sharer = selector.sharer(client)
        guard let deadline = redirects.join(wait: requests.wait, sharer: sharer) else { return nil }
        let member = CoalescedRequests.Member(
            of: requests, handler: handler, eventLoop: eventLoop, since: clock.instant, deadline: deadline,
            network: ClientNetwork(client), sharer: sharer, forwardedFor: client == peer ? nil : client)
        guard requests.join(member) else {
            redirects.leave([sharer])
            return nil
        }
        return member
    }

    /// Looks them up in the order of the fast path: a target that names its pool means the same for every client.
    ///
    /// - Parameter patience: Called only if something is found: it takes time, and most requests find nothing.
    func find(_ named: CoalescedRequests.Key, or choice: PoolChoice?, patience: () -> Patience) -> CoalescedRequests? {
        let found = state.withLock { state -> [Patience: CoalescedRequests]? in
            if let found = state.requests[named] { return found }
            guard let choice else { return nil }
            var key = named
            key.choice = choice
            return state.requests[key]
        }
        return found?[patience()]
    }

    func leave(_ member: CoalescedRequests.Member) {
        if member.requests.leave(member) { redirects.leave([member.sharer]) }
    }

    /// Gives all of them the first one's answer. Those that may wait longer than the first, or to which its answer does not apply, keep waiting.
    ///
    /// - Parameter network: The first one's.
    func end(_ requests: CoalescedRequests, from network: ClientNetwork, as answer: RedirectAnswer, with response: WholeResponse) {
        give(answer, response, to: requests, from: network)
        if requests.successor() == nil { forget(requests) } else { orphan.yield((requests, answer)) }
    }

    /// Waits for requests whose first one is gone, until graceful shutdown, and then until the last of them is answered.
    ///
    /// - Parameter ask: Returns the answer that the successor would get, given the previous answer.
    func run(
        _ ask: @escaping @Sendable (CoalescedRequests, CoalescedRequests.Successor, RedirectAnswer) async -> (RedirectAnswer, WholeResponse)
    ) async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await (requests, first) in orphaned {
                    group.addTask {
                        var last = first
                        while !Task.isCancelled, let successor = requests.successor() {
                            let (answer, response) = await ask(requests, successor, last)
                            self.give(answer, response, to: requests, from: successor.network)
                            last = answer
                        }
                        self.forget(requests)
                    }
                }
            }
        } onGracefulShutdown: {
            self.orphan.finish()
        }
    }

    /// Changes with the settings that answers depend on.
    var epoch: Int { state.withLock { $0.epoch } }

    /// From now on no request can join one that is answered by the previous settings.
    func beginEpoch() {
        state.withLock { $0.epoch += 1 }
        invalidate(.everything)
    }

    func invalidate(_ invalidation: HotIndex.Invalidation) {
        let outdated = state.withLock { state -> [CoalescedRequests] in
            switch invalidation {
            case .everything:
                defer { state = State(epoch: state.epoch) }
                return state.requests.values.flatMap(\.values)
            case .replica(let id):
                let keys = state.keys.removeValue(forKey: id) ?? []
                return keys.flatMap { state.requests.removeValue(forKey: $0).map { Array($0.values) } ?? [] }
            }
        }
        for requests in outdated { requests.close() }
    }

    /// - Parameter network: The one of the client that got the answer.
    private func give(_ answer: RedirectAnswer, _ response: WholeResponse, to requests: CoalescedRequests, from network: ClientNetwork) {
        let now = clock.instant
        let members =
            switch answer {
            // HEAD waits no longer if the origin timed out. A client that left, or a network that has its share, says nothing about the others.
            case .origin(.timedOut) where !requests.key.isHead, .origin(.left), .origin(.share), .hop: requests.take(until: now)
            // The other networks may have budget left.
            case .origin(.budget): requests.take(of: network)
            case .origin, .replica, .description, .refused, .originStatus: requests.takeAll()
            }
        guard !members.isEmpty else { return }
        redirects.leave(members.map(\.sharer))
        metrics.countChoices(requests.key.choice.reason, members.count)
        redirects.record(
            answer, requests.id, for: members.map { .init(client: $0.network, duration: $0.since.duration(to: now)) },
            after: requests.wait.before, isHead: requests.key.isHead)
        requests.send(response, to: members, clock: clock)
    }

    private func forget(_ requests: CoalescedRequests) {
        state.withLock { state in
            guard state.requests[requests.key]?[requests.patience] === requests else { return }
            state.requests[requests.key]?[requests.patience] = nil
            guard state.requests[requests.key]?.isEmpty == true else { return }
            state.requests[requests.key] = nil
            state.keys[requests.id]?.remove(requests.key)
            if state.keys[requests.id]?.isEmpty == true { state.keys[requests.id] = nil }
        }
    }
}
