import Synchronization

/// Hands every change to every stream that is open, in order, with bounded memory for each.
///
/// A stream that is read too slowly loses what it has not read and gets one ``ReplicaChange/everything`` in its place; then it goes on.
package final class ChangeBroadcaster: Sendable {
    private typealias Waiter = CheckedContinuation<ReplicaChange?, Never>

    private struct Subscriber {
        var buffer: [ReplicaChange] = []
        /// Where the unread part of `buffer` begins.
        var head = 0
        var waiters: [Waiter] = []

        mutating func next() -> ReplicaChange? {
            guard head < buffer.count else { return nil }
            defer {
                head += 1
                if head == buffer.count {
                    buffer.removeAll(keepingCapacity: buffer.capacity <= 256)
                    head = 0
                }
            }
            return buffer[head]
        }

        /// - Returns: Who gets the change at once.
        mutating func offer(_ change: ReplicaChange, capacity: Int) -> Waiter? {
            if !waiters.isEmpty { return waiters.removeFirst() }
            if change == .everything || buffer.count - head >= capacity {
                buffer = [.everything]
                head = 0
                return nil
            }
            if head >= capacity {
                buffer.removeFirst(head)
                head = 0
            }
            buffer.append(change)
            return nil
        }
    }

    private struct State {
        var subscribers: [Int: Subscriber] = [:]
        var nextID = 0
        var isFinished = false
    }

    /// Lives as long as the stream that reads from it.
    private final class Subscription: Sendable {
        let id: Int
        let broadcaster: ChangeBroadcaster

        init(id: Int, broadcaster: ChangeBroadcaster) {
            self.id = id
            self.broadcaster = broadcaster
        }

        deinit {
            broadcaster.remove(id)
        }
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: Changes that one stream holds unread, at most; 1 or more.
    package init(capacity: Int = 4_096) {
        self.capacity = max(1, capacity)
    }

    /// How many streams are open.
    package var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    /// Changes published from now on; ended at once after ``finish()``.
    package func stream() -> AsyncStream<ReplicaChange> {
        let id = state.withLock { state in
            state.nextID += 1
            if !state.isFinished { state.subscribers[state.nextID] = Subscriber() }
            return state.nextID
        }
        let subscription = Subscription(id: id, broadcaster: self)
        return AsyncStream {
            await subscription.broadcaster.next(of: subscription.id)
        } onCancel: {
            subscription.broadcaster.remove(subscription.id)
        }
    }

    /// Never blocks and never suspends. Callers that publish at the same time have no order among each other.
    package func publish(_ changes: [ReplicaChange]) {
        guard !changes.isEmpty else { return }
        let deliveries = state.withLock { state in
            var deliveries: [(Waiter, ReplicaChange)] = []
            // A copy of the keys: with the dictionary itself held by the loop, each append would copy a whole buffer.
            for id in Array(state.subscribers.keys) {
                for change in changes {
                    if let waiter = state.subscribers[id]?.offer(change, capacity: capacity) { deliveries.append((waiter, change)) }
                }
            }
            return deliveries
        }
        for (waiter, change) in deliveries { waiter.resume(returning: change) }
    }

    /// Ends every stream, after what it has not read yet.
    package func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            // Those with unread changes stay until they are read or dropped.
            let idle = state.subscribers.filter { $0.value.head == $0.value.buffer.count }
            for id in idle.keys { state.subscribers[id] = nil }
            return idle.values.flatMap(\.waiters)
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    private func next(of id: Int) async -> ReplicaChange? {
        await withCheckedContinuation { (continuation: Waiter) in
            let answer = state.withLock { state -> ReplicaChange?? in
                guard state.subscribers.keys.contains(id) else { return .some(nil) }
                if let change = state.subscribers[id]?.next() { return change }
                if state.isFinished {
                    state.subscribers[id] = nil
                    return .some(nil)
                }
                state.subscribers[id]?.waiters.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func remove(_ id: Int) {
        let waiters = state.withLock { $0.subscribers.removeValue(forKey: id)?.waiters ?? [] }
        for waiter in waiters { waiter.resume(returning: nil) }
    }
}
