import MirrorCore
package import MirrorState
import Synchronization

/// Whoever waits for a replica to change, woken by the state store's notifications.
///
/// One subscription serves all of them: nothing polls. How long somebody waits is not known here: a wait ends with its task (``RequestTime``).
package final class ReplicaWaiters: Sendable {
    /// Why a wait ended.
    enum Wake: Sendable {
        case changed(Replica?)
        /// Something may have been missed: look again.
        case lookAgain
    }

    /// `nil` when whoever waits leaves.
    private typealias Mailbox = FirstValue<Wake?>

    /// One that waits.
    private struct Waiter {
        let mailbox: Mailbox
        /// How many requests it counts for.
        let weight: Int
    }

    private struct State {
        var waiters: [ReplicaID: [ObjectIdentifier: Waiter]] = [:]
        var count = 0
        var joined = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// How many requests wait now, each for itself or together with another.
    package var count: Int { state.withLock { $0.count + $0.joined } }

    /// Counts one more that waits together with another, which ``leave(_:)`` ends.
    ///
    /// - Returns: `false` when `limit` wait already.
    func join(limit: Int) -> Bool {
        state.withLock { state in
            guard state.count + state.joined < limit else { return false }
            state.joined += 1
            return true
        }
    }

    func leave(_ count: Int) {
        state.withLock { $0.joined -= count }
    }

    /// Hands the store's changes to those who wait, until the store closes or the task is cancelled.
    package func run(_ changes: AsyncStream<ReplicaChange>) async {
        for await change in changes {
            switch change {
            // A replica that is pending still has nothing to tell.
            case .replica(_, let replica) where replica?.state == .pending: break
            case .replica(let id, let replica): deliver(.changed(replica), to: take(id))
            case .stale(let id): deliver(.lookAgain, to: take(id))
            case .everything, .interrupted: deliver(.lookAgain, to: takeAll())
            }
        }
    }

    /// Waits for a change of `id`.
    ///
    /// - Parameter isCounted: Whether it is one request that waits; else those for whom it waits are counted.
    /// - Parameter time: Of the request, which no longer counts as soon as it has its answer.
    /// - Parameter isStillPending: Looks at the state after this waiter was registered, so that a change between looking and
    ///   waiting is not lost; `false` ends the wait with `.lookAgain`.
    /// - Throws: What `isStillPending` throws; `CancellationError` as soon as the task is cancelled.
    func wait(
        for id: ReplicaID, isCounted: Bool = true, in time: RequestTime? = nil, isStillPending: () async throws -> Bool
    ) async throws -> Wake {
        let mailbox = Mailbox()
        register(Waiter(mailbox: mailbox, weight: isCounted ? 1 : 0), for: id)
        defer { unregister(mailbox, for: id) }
        time?.whenAnswered { self.unregister(mailbox, for: id) }
        guard try await isStillPending() else { return .lookAgain }
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

    private func register(_ waiter: Waiter, for id: ReplicaID) {
        state.withLock { state in
            state.waiters[id, default: [:]][ObjectIdentifier(waiter.mailbox)] = waiter
            state.count += waiter.weight
        }
    }

    private func unregister(_ mailbox: Mailbox, for id: ReplicaID) {
        state.withLock { state in
            guard let waiter = state.waiters[id]?.removeValue(forKey: ObjectIdentifier(mailbox)) else { return }
            state.count -= waiter.weight
            if state.waiters[id]?.isEmpty == true { state.waiters[id] = nil }
        }
    }

    private func take(_ id: ReplicaID) -> [Waiter] {
        state.withLock { state in
            let taken = state.waiters.removeValue(forKey: id) ?? [:]
            for waiter in taken.values { state.count -= waiter.weight }
            return Array(taken.values)
        }
    }

    private func takeAll() -> [Waiter] {
        state.withLock { state in
            defer { (state.waiters, state.count) = ([:], 0) }
            return state.waiters.values.flatMap { $0.values }
        }
    }

    private func deliver(_ wake: Wake, to waiters: [Waiter]) {
        for waiter in waiters { waiter.mailbox.give(wake) }
    }
}
