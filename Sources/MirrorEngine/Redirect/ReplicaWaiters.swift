import MirrorCore
package import MirrorState
import Synchronization

/// The requests that wait for a replica to change, woken by the state store's notifications.
///
/// One subscription serves all of them; nothing polls. There are no timeouts here: a wait ends with its task (``RequestTime``).
package final class ReplicaWaiters: Sendable {
    /// Why a wait ended.
    enum Wake: Sendable {
        indirect case changed(Replica?)
        /// Something may have been missed: look again.
        case lookAgain
    }

    /// `nil` if the wait was cancelled.
    private typealias Mailbox = FirstValue<Wake?>

    /// A task that waits.
    private struct Waiter {
        let mailbox: Mailbox
        /// Whether it stands for one request; otherwise it waits for others that are already counted.
        let isCounted: Bool
        /// The network whose share it takes.
        let sharer: ClientNetwork?
    }

    /// How much news there has been of a replica, and of others that are counted together with it.
    struct News: Sendable, Equatable {
        fileprivate let count: Int
    }

    private struct State {
        var waiters: [ReplicaID: [ObjectIdentifier: Waiter]] = [:]
        var news = ReplicaCounts()
        var count = 0
        var joined = 0
        /// The shares of those that are counted.
        var shares = NetworkShares()

        mutating func begin(_ waiter: Waiter) {
            guard waiter.isCounted else { return }
            count += 1
            if let sharer = waiter.sharer { shares.take(sharer) }
        }

        mutating func end(_ waiter: Waiter) {
            guard waiter.isCounted else { return }
            count -= 1
            if let sharer = waiter.sharer { shares.giveBack(sharer) }
        }

        /// Why another request may not wait.
        func refusal(_ sharer: ClientNetwork?, _ limits: Limits) -> Fallback? {
            if count + joined >= limits.total { return .overloaded }
            if let sharer, shares.full(sharer, limit: limits.ofNetwork) != nil { return .share }
            return nil
        }
    }

    /// How many requests may wait at the same time.
    struct Limits {
        /// In total.
        var total: Int
        /// From one client network.
        var ofNetwork: Int
    }

    private let state = Mutex(State())

    package init() {}

    /// How many requests are waiting, each for itself or together with another.
    package var count: Int { state.withLock { $0.count + $0.joined } }

    /// Why another request may not wait; `nil` if it may.
    ///
    /// - Parameter sharer: Whose share it would take; `nil` if many clients may be behind one address.
    func refusal(_ sharer: ClientNetwork?, _ limits: Limits) -> Fallback? {
        state.withLock { $0.refusal(sharer, limits) }
    }

    /// Counts a request that waits together with another, until ``leave(_:)``.
    ///
    /// - Returns: `false` if no more requests may wait.
    func join(_ sharer: ClientNetwork?, _ limits: Limits) -> Bool {
        state.withLock { state in
            guard state.refusal(sharer, limits) == nil else { return false }
            state.joined += 1
            if let sharer { state.shares.take(sharer) }
            return true
        }
    }

    /// - Parameter sharers: One for each request that has joined.
    func leave(_ sharers: [ClientNetwork?]) {
        state.withLock { state in
            state.joined -= sharers.count
            for case .some(let sharer) in sharers { state.shares.giveBack(sharer) }
        }
    }

    /// Passes the store's changes to the waiting tasks, until the store closes or the task is cancelled.
    package func run(_ changes: AsyncStream<ReplicaChange>) async {
        for await change in changes {
            switch change {
            // A replica that is still pending is not news.
            case .replica(_, let replica) where replica?.state == .pending: break
            case .replica(let id, let replica): deliver(.changed(replica), to: take(id))
            case .stale(let id): deliver(.lookAgain, to: take(id))
            // Nobody waits for it yet, but somebody may be about to.
            case .staleName: state.withLock { $0.news.countAll() }
            case .everything, .interrupted: deliver(.lookAgain, to: takeAll())
            }
        }
    }

    /// The news so far, to be taken before the state says that a replica is pending; see ``wait(for:since:isCounted:sharer:in:isStillPending:)``.
    func news(of id: ReplicaID) -> News {
        News(count: state.withLock { $0.news[id] })
    }

    /// Waits for a change of `id`.
    ///
    /// - Parameter news: From before the state has said that the replica is pending; `nil` if it has to be asked. While there is no other, no
    ///   change was missed.
    /// - Parameter isCounted: Whether this stands for one request; otherwise it waits for others that are already counted.
    /// - Parameter sharer: Whose share it takes.
    /// - Parameter time: The request's time; once the request has its answer, it no longer counts.
    /// - Parameter isStillPending: Checks the state after this waiter was registered, so that a change between the check and the wait is not lost;
    ///   `false` ends the wait with `.lookAgain`.
    /// - Throws: What `isStillPending` throws; `CancellationError` as soon as the task is cancelled.
    func wait(
        for id: ReplicaID, since news: News? = nil, isCounted: Bool = true, sharer: ClientNetwork? = nil, in time: RequestTime? = nil,
        isStillPending: () async throws -> Bool
    ) async throws -> Wake {
        let mailbox = Mailbox()
        let latest = register(Waiter(mailbox: mailbox, isCounted: isCounted, sharer: sharer), for: id)
        defer { unregister(mailbox, for: id) }
        time?.whenAnswered { self.unregister(mailbox, for: id) }
        if news != latest {
            guard try await isStillPending() else { return .lookAgain }
        }
        time?.noteLeaving(true)
        defer { time?.noteLeaving(false) }
        let wake = await withTaskCancellationHandler {
            await mailbox.value()
        } onCancel: {
            mailbox.give(nil)
        }
        guard let wake else { throw CancellationError() }
        return wake
    }

    /// - Returns: The news until then; later ones wake the waiter.
    private func register(_ waiter: Waiter, for id: ReplicaID) -> News {
        state.withLock { state in
            state.waiters[id, default: [:]][ObjectIdentifier(waiter.mailbox)] = waiter
            state.begin(waiter)
            return News(count: state.news[id])
        }
    }

    private func unregister(_ mailbox: Mailbox, for id: ReplicaID) {
        state.withLock { state in
            guard let waiter = state.waiters[id]?.removeValue(forKey: ObjectIdentifier(mailbox)) else { return }
            state.end(waiter)
            if state.waiters[id]?.isEmpty == true { state.waiters[id] = nil }
        }
    }

    private func take(_ id: ReplicaID) -> [Waiter] {
        state.withLock { state in
            state.news.count(id)
            let taken = state.waiters.removeValue(forKey: id) ?? [:]
            for waiter in taken.values { state.end(waiter) }
            return Array(taken.values)
        }
    }

    private func takeAll() -> [Waiter] {
        state.withLock { state in
            state.news.countAll()
            let taken = state.waiters.values.flatMap { $0.values }
            state.waiters = [:]
            for waiter in taken { state.end(waiter) }
            return taken
        }
    }

    private func deliver(_ wake: Wake, to waiters: [Waiter]) {
        for waiter in waiters { waiter.mailbox.give(wake) }
    }
}
