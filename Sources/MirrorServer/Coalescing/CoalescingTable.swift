import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore
import ServiceLifecycle
import Synchronization

/// The requests that identical ones can join now.
///
/// A request that joins gets an answer that was begun before it. So nothing can be joined once the ``HotIndex`` says that what it knew of the
/// replica has changed: a request that comes after a purge never gets an answer from before it.
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
    /// Those whose first request has its answer, which is given with them, while others still have time to wait.
    private let (orphaned, orphan) = AsyncStream.makeStream(of: (CoalescedRequests, RedirectAnswer).self)

    init(redirects: RedirectService, selector: Reloadable<PoolSelector>, metrics: EngineMetrics, clock: any MirrorClock) {
        self.redirects = redirects
        self.selector = selector
        self.metrics = metrics
        self.clock = clock
    }

    /// How many different ones there are.
    var count: Int { state.withLock { $0.requests.values.reduce(0) { $0 + $1.count } } }

    /// Asked by everybody whose answer is not at hand, before anything else is looked at.
    var isEmpty: Bool { state.withLock { $0.requests.isEmpty } }

    /// Lets others join a request on the slow path, until it gives its answer to ``end(_:from:as:with:)``.
    ///
    /// - Returns: `nil` when identical requests are open already, or settings have changed since `epoch`.
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
    /// - Parameter choice: The pool for the client, if the target names none; `nil` when it is not known.
    /// - Parameter userAgent: What the client calls itself; read only where there may be something to join.
    /// - Parameter peer: The other end of the connection.
    /// - Parameter forwarded: The values of the fields in which proxies name clients, as far as they are read.
    /// - Returns: `nil` when there are none, or as many requests wait as may.
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

    /// As the fast path does: what is found under a target that names its pool is right, whatever the client.
    ///
    /// - Parameter patience: Called only where something is found: it takes its time, and most requests find nothing.
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

    /// Gives all of them the answer of the first. Those that have more time than it had, or for whom its answer does not hold, continue to wait.
    ///
    /// - Parameter network: The first one's.
    func end(_ requests: CoalescedRequests, from network: ClientNetwork, as answer: RedirectAnswer, with response: WholeResponse) {
        give(answer, response, to: requests, from: network)
        if requests.successor() == nil { forget(requests) } else { orphan.yield((requests, answer)) }
    }

    /// Waits on behalf of those whose first request is gone, until graceful shutdown, and then until the last of them has its answer.
    ///
    /// - Parameter ask: Gives the answer that the successor would get, after that of who was there before it.
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

    /// Lets nobody join a request that is answered by the settings that held until now.
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

    /// - Parameter network: Who has got the answer.
    private func give(_ answer: RedirectAnswer, _ response: WholeResponse, to requests: CoalescedRequests, from network: ClientNetwork) {
        let now = clock.instant
        let members =
            switch answer {
            // Nobody waits on for a header that the origin does not give. Who has left, or whose network has its share, says nothing of the others.
            case .origin(.timedOut) where !requests.key.isHead, .origin(.left), .origin(.share), .hop: requests.take(until: now)
            // The others may have something left to spend.
            case .origin(.budget): requests.take(of: network)
            case .origin, .replica, .description, .refused, .originStatus: requests.takeAll()
            }
        guard !members.isEmpty else { return }
        redirects.leave(members.map(\.sharer))
        metrics.countChoices(requests.key.choice.reason, members.count)
        redirects.record(
            answer, requests.id, in: members.map { $0.since.duration(to: now) }, after: requests.wait.before, isHead: requests.key.isHead)
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
