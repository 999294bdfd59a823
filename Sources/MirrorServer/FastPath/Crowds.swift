import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore
import ServiceLifecycle
import Synchronization

/// The crowds that gather now.
///
/// Who joins one is given an answer that was begun before. So none can be joined any more once the ``HotIndex`` tells that what it knew of
/// its replica is no longer so: who asks after a purge is never given what was so before.
final class Crowds: Sendable {
    private struct State {
        var crowds: [Crowd.Question: Crowd] = [:]
        var questions: [ReplicaID: Set<Crowd.Question>] = [:]
    }

    private let state = Mutex(State())
    private let redirects: RedirectService
    private let selector: Reloadable<PoolSelector>
    private let clock: any MirrorClock
    /// Crowds whose first request was sent on before the time of all was over.
    private let (unled, unlead) = AsyncStream.makeStream(of: Crowd.self)

    init(redirects: RedirectService, selector: Reloadable<PoolSelector>, clock: any MirrorClock) {
        self.redirects = redirects
        self.selector = selector
        self.clock = clock
    }

    /// How many there are.
    var count: Int { state.withLock { $0.crowds.count } }

    /// Asked by everybody whose answer is not at hand, before anything else is looked at.
    var isEmpty: Bool { count == 0 }

    /// Lets others join a request on the slow path, until it gives its answer to ``end(_:as:with:)``.
    ///
    /// - Returns: `nil` when there is such a crowd already.
    func found(_ question: Crowd.Question, _ origin: any Origin, in pool: Pool, wait: Wait) -> Crowd? {
        state.withLock { state in
            guard state.crowds[question] == nil else { return nil }
            let crowd = Crowd(question, origin: origin, pool: pool, wait: wait)
            state.crowds[question] = crowd
            state.questions[crowd.id, default: []].insert(question)
            return crowd
        }
    }

    /// Joins those who ask the same and bear to wait as long. Called on the event loop of the handler.
    ///
    /// - Parameter userAgent: What the client calls itself.
    /// - Parameter peer: The other end of the connection.
    /// - Parameter forwardedFor: The elements of all `X-Forwarded-For` fields.
    /// - Returns: `nil` when there are none, or as many requests wait as may.
    func join(
        _ target: some Sequence<UInt8>, isHead: Bool, userAgent: (some Collection<UInt8>)?, from peer: IPAddress?,
        forwardedFor: @autoclosure () -> [Substring], _ handler: ConnectionHandler, on eventLoop: any EventLoop
    ) -> Crowd.Member? {
        let question = Crowd.Question(target: Array(target), isHead: isHead, patience: redirects.patience(of: userAgent))
        guard let crowd = state.withLock({ $0.crowds[question] }) else { return nil }
        let selector = selector.value
        let sharer = selector.sharer(selector.client(peer: peer, forwardedFor: forwardedFor()))
        guard let deadline = redirects.join(wait: crowd.wait, sharer: sharer) else { return nil }
        let member = Crowd.Member(
            of: crowd, handler: handler, eventLoop: eventLoop, since: clock.instant, deadline: deadline, sharer: sharer)
        guard crowd.join(member) else {
            redirects.leave([sharer])
            return nil
        }
        return member
    }

    func leave(_ member: Crowd.Member) {
        if member.crowd.leave(member) { redirects.leave([member.sharer]) }
    }

    /// Gives a crowd the answer of its first request. Whoever has more time than that one had waits on.
    func end(_ crowd: Crowd, as answer: RedirectAnswer, with response: WholeResponse) {
        give(answer, response, to: crowd)
        if crowd.nextDeadline() == nil { forget(crowd) } else { unlead.yield(crowd) }
    }

    /// Waits on for crowds whose first request is gone, until graceful shutdown, and then until the last of them has its answer.
    ///
    /// - Parameter ask: The answer for those who wait until the time given.
    func run(_ ask: @escaping @Sendable (Crowd, ContinuousClock.Instant) async -> (RedirectAnswer, WholeResponse)) async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await crowd in unled {
                    group.addTask {
                        while !Task.isCancelled, let deadline = crowd.nextDeadline() {
                            let (answer, response) = await ask(crowd, deadline)
                            self.give(answer, response, to: crowd)
                        }
                        self.forget(crowd)
                    }
                }
            }
        } onGracefulShutdown: {
            self.unlead.finish()
        }
    }

    func invalidate(_ invalidation: HotIndex.Invalidation) {
        let outdated = state.withLock { state -> [Crowd] in
            switch invalidation {
            case .everything:
                defer { state = State() }
                return Array(state.crowds.values)
            case .replica(let id):
                return (state.questions.removeValue(forKey: id) ?? []).compactMap { state.crowds.removeValue(forKey: $0) }
            }
        }
        for crowd in outdated { crowd.close() }
    }

    private func give(_ answer: RedirectAnswer, _ response: WholeResponse, to crowd: Crowd) {
        let now = clock.instant
        let members =
            switch answer {
            // Nobody waits on for a header that the origin does not give. Who has left, or whose network has its share, says nothing of the others.
            case .origin(.timedOut) where !crowd.question.isHead, .origin(.left), .origin(.share), .hop: crowd.take(until: now)
            case .origin, .replica, .description, .refused, .originStatus: crowd.takeAll()
            }
        guard !members.isEmpty else { return }
        redirects.leave(members.map(\.sharer))
        redirects.record(
            answer, crowd.id, waits: members.map { crowd.wait.before + $0.since.duration(to: now) }, isHead: crowd.question.isHead)
        crowd.send(response, to: members, clock: clock)
    }

    private func forget(_ crowd: Crowd) {
        state.withLock { state in
            guard state.crowds[crowd.question] === crowd else { return }
            state.crowds[crowd.question] = nil
            state.questions[crowd.id]?.remove(crowd.question)
            if state.questions[crowd.id]?.isEmpty == true { state.questions[crowd.id] = nil }
        }
    }
}
