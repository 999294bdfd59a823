import Synchronization

/// Memory that may be taken at the same time, in bytes; who asks first is served first.
final class ByteBudget: Sendable {
    private typealias Waiter = CheckedContinuation<Bool, Never>

    private struct Request {
        let id: UInt64
        let bytes: Int64
        let waiter: Waiter
    }

    private struct State {
        var free: Int64
        var queue: [Request] = []
        var lastID: UInt64 = 0
        /// Cancelled before they were queued.
        var cancelled: Set<UInt64> = []
    }

    /// Bytes in all.
    let capacity: Int64
    /// The budget that this one is a share of.
    private let whole: ByteBudget?
    private let state: Mutex<State>

    /// - Parameter whole: What is taken of this budget is taken of that one as well.
    init(_ capacity: Int64, of whole: ByteBudget? = nil) {
        self.capacity = capacity
        self.whole = whole
        state = Mutex(State(free: capacity))
    }

    /// Bytes that are taken; given back when the last reference goes.
    final class Grant: Sendable {
        private let budget: ByteBudget
        private let bytes: Int64
        /// The same of the whole.
        private let outer: Grant?

        fileprivate init(_ bytes: Int64, of budget: ByteBudget, _ outer: Grant?) {
            self.budget = budget
            self.bytes = bytes
            self.outer = outer
        }

        deinit {
            budget.giveBack(bytes)
        }
    }

    /// Who waits now.
    var waitingCount: Int { state.withLock { $0.queue.count } }

    /// Waits until so much is free. What is more than the whole budget waits for all of it.
    ///
    /// - Throws: `CancellationError`.
    func take(_ wanted: Int64) async throws -> Grant {
        let bytes = min(wanted, capacity)
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let answer = state.withLock { state -> Bool? in
                    if state.cancelled.remove(id) != nil || Task.isCancelled { return false }
                    guard state.queue.isEmpty, state.free >= bytes else {
                        state.queue.append(Request(id: id, bytes: bytes, waiter: waiter))
                        return nil
                    }
                    state.free -= bytes
                    return true
                }
                if let answer { waiter.resume(returning: answer) }
            }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelled.remove(id) }
        guard isGranted else { throw CancellationError() }
        do {
            return Grant(bytes, of: self, try await whole?.take(wanted))
        } catch {
            giveBack(bytes)
            throw error
        }
    }

    private func cancel(_ id: UInt64) {
        let (waiter, served) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let index = state.queue.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return (nil, [])
            }
            let request = state.queue.remove(at: index)
            return (request.waiter, Self.serve(&state))
        }
        waiter?.resume(returning: false)
        served.forEach { $0.resume(returning: true) }
    }

    private func giveBack(_ bytes: Int64) {
        let served = state.withLock { state in
            state.free += bytes
            return Self.serve(&state)
        }
        served.forEach { $0.resume(returning: true) }
    }

    private static func serve(_ state: inout State) -> [Waiter] {
        var served: [Waiter] = []
        while let next = state.queue.first, state.free >= next.bytes {
            state.free -= next.bytes
            served.append(state.queue.removeFirst().waiter)
        }
        return served
    }
}
