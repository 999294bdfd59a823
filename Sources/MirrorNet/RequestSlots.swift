import Synchronization

/// Limits how many requests to one origin are under way; who comes too many waits its turn.
///
/// The client's own limit cannot do that: it fails who waits longer than a connection may take.
final class RequestSlots: Sendable {
    private typealias Waiter = (id: Int, continuation: CheckedContinuation<Void, any Error>)

    private struct State {
        var used: [String: Int] = [:]
        var waiters: [String: [Waiter]] = [:]
        var nextID = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: Slots of one origin, 1 or more.
    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// A place among the requests under way; given back when it is dropped.
    final class Slot: Sendable {
        private let slots: RequestSlots
        private let origin: String

        fileprivate init(_ slots: RequestSlots, origin: String) {
            self.slots = slots
            self.origin = origin
        }

        deinit {
            slots.giveBack(origin)
        }
    }

    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func slot(for origin: String) async throws -> Slot {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                state.withLock { state in
                    if Task.isCancelled {
                        continuation.resume(throwing: CancellationError())
                    } else if state.used[origin, default: 0] < limit {
                        state.used[origin, default: 0] += 1
                        continuation.resume()
                    } else {
                        state.waiters[origin, default: []].append((id, continuation))
                    }
                }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.waiters[origin]?.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters[origin]?.remove(at: place)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
        return Slot(self, origin: origin)
    }

    private func giveBack(_ origin: String) {
        let waiter = state.withLock { state -> Waiter? in
            // The slot goes to the next in turn as it is.
            if let first = state.waiters[origin]?.first {
                state.waiters[origin]?.removeFirst()
                if state.waiters[origin]?.isEmpty == true { state.waiters[origin] = nil }
                return first
            }
            let used = state.used[origin, default: 1] - 1
            state.used[origin] = used > 0 ? used : nil
            return nil
        }
        waiter?.continuation.resume()
    }
}
