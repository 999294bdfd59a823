import Synchronization

/// Sends every change to every open stream, in order, with bounded memory for each stream.
///
/// A stream that is read too slowly loses its unread changes and gets one ``ReplicaChange/everything`` instead; then it continues.
package final class ChangeBroadcaster: Sendable {
    private typealias Waiter = CheckedContinuation<ReplicaChange?, Never>

    private struct Subscriber {
        let interest: ChangeInterest
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

        /// - Returns: The waiter that gets the change at once.
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

    /// - Parameter capacity: The maximum number of unread changes in one stream; 1 or more.
    package init(capacity: Int = 4_096) {
        self.capacity = max(1, capacity)
    }

    /// The number of open streams.
    package var subscriberCount: Int { state.withLock { $0.subscribers.count } }

    /// A stream of the changes from now on; it ends at once after ``finish()``.
    ///
    /// - Parameter interest: Other changes are left out.
    package func stream(of interest: ChangeInterest = .everything) -> AsyncStream<ReplicaChange> {
        let id = state.withLock { state in
            state.nextID += 1
            if !state.isFinished { state.subscribers[state.nextID] = Subscriber(interest: interest) }
            return state.nextID
        }
        let subscription = Subscription(id: id, broadcaster: self)
        return AsyncStream {
            await subscription.broadcaster.next(of: subscription.id)
        } onCancel: {
            subscription.broadcaster.remove(subscription.id)
        }
    }

    /// Never blocks and never suspends. The order among callers that publish at the same time is undefined.
    package func publish(_ changes: [ReplicaChange]) {
        guard !changes.isEmpty else { return }
        let deliveries = state.withLock { state in
            var deliveries: [(Waiter, ReplicaChange)] = []
            // A copy of the keys: with the dictionary itself held by the loop, each append would copy a whole buffer.
            for id in Array(state.subscribers.keys) {
                guard let interest = state.subscribers[id]?.interest else { continue }
                for change in changes where interest.includes(change) {
                    if let waiter = state.subscribers[id]?.offer(change, capacity: capacity) { deliveries.append((waiter, change)) }
                }
            }
            return deliveries
        }
        for (waiter, change) in deliveries { waiter.resume(returning: change) }
    }

    /// Ends every stream, after its unread changes.
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
