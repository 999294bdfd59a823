package import MirrorCore
package import MirrorState
import Synchronization

/// Whoever waits for a replica to change, woken by the state store's notifications.
///
/// One subscription serves all of them: nothing polls.
package final class ReplicaWaiters: Sendable {
    /// Why a wait ended.
    enum Wake: Sendable {
        case changed(Replica?)
        /// Something may have been missed: look again.
        case lookAgain
        case timedOut
        /// Nobody waits for the answer any more.
        case left
        /// This process shuts down.
        case closed
    }

    private struct State {
        var mailboxes: [ReplicaID: [ObjectIdentifier: Mailbox]] = [:]
        /// Those whose waits end at about the same time; see ``coarseness``.
        var deadlines: [ContinuousClock.Instant: [ObjectIdentifier: Mailbox]] = [:]
        var count = 0
        var joined = 0
        var isClosed = false
    }

    /// To which the ends of waits are rounded up, so that a crowd has few of them.
    private static let coarseness = Duration.milliseconds(10)

    private let state = Mutex(State())
    private let clock: any MonotonicClock
    private let deadlineIsEarlier = Signal()

    package init(clock: any MonotonicClock) {
        self.clock = clock
    }

    /// How many requests wait now, each for itself or together with another.
    package var count: Int { state.withLock { $0.count + $0.joined } }

    /// Counts one more that waits together with another, which ``leave(_:)`` ends.
    ///
    /// - Returns: `false` when `limit` wait already, or nobody may any more.
    func join(limit: Int) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.count + state.joined < limit else { return false }
            state.joined += 1
            return true
        }
    }

    func leave(_ count: Int) {
        state.withLock { $0.joined -= count }
    }

    /// Hands the store's changes to those who wait, and ends waits whose time is over, until the store closes or the task is cancelled.
    ///
    /// One task does it for all: of ten thousand who wait for one copy, each would otherwise cost a timer and two tasks.
    package func run(_ changes: AsyncStream<ReplicaChange>) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watchDeadlines() }
            for await change in changes {
                switch change {
                // A replica that is pending still has nothing to tell.
                case .replica(_, let replica) where replica?.state == .pending: break
                case .replica(let id, let replica): deliver(.changed(replica), to: take(id))
                case .stale(let id): deliver(.lookAgain, to: take(id))
                case .everything, .interrupted: deliver(.lookAgain, to: takeAll(closing: false))
                }
            }
            group.cancelAll()
        }
    }

    private func watchDeadlines() async {
        while !Task.isCancelled {
            let now = clock.instant
            let (over, next) = state.withLock { state in
                var over: [Mailbox] = []
                for deadline in state.deadlines.keys where deadline <= now {
                    if let group = state.deadlines.removeValue(forKey: deadline) { over += group.values }
                }
                return (over, state.deadlines.keys.min())
            }
            deliver(.timedOut, to: over)
            await deadlineIsEarlier.wait(upTo: next.map { now.duration(to: $0) }, clock: clock)
        }
    }

    /// Ends every wait now and every later one at once: the answer is then the origin.
    package func close() {
        deliver(.closed, to: takeAll(closing: true))
    }

    /// Waits for a change of `id`.
    ///
    /// - Parameter isCounted: Whether it is one request that waits; else those for whom it waits are counted.
    /// - Parameter client: Who waits; the wait ends when it leaves.
    /// - Parameter isStillPending: Looks at the state after this waiter was registered, so that a change between looking and
    ///   waiting is not lost; `false` ends the wait with `.lookAgain`.
    func wait(
        for id: ReplicaID, upTo timeout: Duration, isCounted: Bool = true, client: ClientPresence? = nil,
        isStillPending: () async throws -> Bool
    ) async rethrows -> Wake {
        let deadline = (clock.instant + timeout).roundedUp(to: Self.coarseness)
        let mailbox = Mailbox(weight: isCounted ? 1 : 0)
        guard register(mailbox, for: id, until: deadline) else { return .closed }
        client?.whenLeft { mailbox.deliver(.left) }
        defer {
            client?.forget()
            unregister(mailbox, for: id, until: deadline)
        }
        guard try await isStillPending() else { return .lookAgain }
        return await mailbox.receive()
    }

    private func register(_ mailbox: Mailbox, for id: ReplicaID, until deadline: ContinuousClock.Instant) -> Bool {
        let (isOpen, isEarlier) = state.withLock { state in
            if state.isClosed { return (false, false) }
            let isKnown = state.deadlines[deadline] != nil
            let isEarlier = !isKnown && state.deadlines.keys.allSatisfy { deadline < $0 }
            state.deadlines[deadline, default: [:]][ObjectIdentifier(mailbox)] = mailbox
            state.mailboxes[id, default: [:]][ObjectIdentifier(mailbox)] = mailbox
            state.count += mailbox.weight
            return (true, isEarlier)
        }
        if isEarlier { deadlineIsEarlier.notify() }
        return isOpen
    }

    private func unregister(_ mailbox: Mailbox, for id: ReplicaID, until deadline: ContinuousClock.Instant) {
        state.withLock { state in
            state.deadlines[deadline]?[ObjectIdentifier(mailbox)] = nil
            if state.deadlines[deadline]?.isEmpty == true { state.deadlines[deadline] = nil }
            guard state.mailboxes[id]?.removeValue(forKey: ObjectIdentifier(mailbox)) != nil else { return }
            state.count -= mailbox.weight
            if state.mailboxes[id]?.isEmpty == true { state.mailboxes[id] = nil }
        }
    }

    private func take(_ id: ReplicaID) -> [Mailbox] {
        state.withLock { state in
            let taken = state.mailboxes.removeValue(forKey: id) ?? [:]
            for mailbox in taken.values { state.count -= mailbox.weight }
            return Array(taken.values)
        }
    }

    private func takeAll(closing: Bool) -> [Mailbox] {
        state.withLock { state in
            let taken = state.mailboxes.values.flatMap { $0.values }
            state.mailboxes = [:]
            state.count = 0
            state.isClosed = state.isClosed || closing
            return taken
        }
    }

    private func deliver(_ wake: Wake, to mailboxes: [Mailbox]) {
        for mailbox in mailboxes { mailbox.deliver(wake) }
    }
}

/// Holds the first wake that comes until its one reader takes it.
private final class Mailbox: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<ReplicaWaiters.Wake, Never>)
        case full(ReplicaWaiters.Wake)
    }

    /// How many requests it counts for.
    let weight: Int
    private let state = Mutex(State.empty)

    init(weight: Int) {
        self.weight = weight
    }

    func deliver(_ wake: ReplicaWaiters.Wake) {
        let reader = state.withLock { state -> CheckedContinuation<ReplicaWaiters.Wake, Never>? in
            guard case .waiting(let reader) = state else {
                if case .empty = state { state = .full(wake) }
                return nil
            }
            state = .full(wake)
            return reader
        }
        reader?.resume(returning: wake)
    }

    /// - Returns: `.timedOut` when the task is cancelled first.
    func receive() async -> ReplicaWaiters.Wake {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let wake = state.withLock { state -> ReplicaWaiters.Wake? in
                    if case .full(let wake) = state { return wake }
                    state = .waiting(reader)
                    return nil
                }
                if let wake { reader.resume(returning: wake) }
            }
        } onCancel: {
            deliver(.timedOut)
        }
    }
}
