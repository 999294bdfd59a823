import Synchronization

/// Serves the connections of a listener, each in its own task.
///
/// There is no task group, because that searches all of its children when one of them ends: with ten thousand connections, a tenth of the work.
/// The tasks do not inherit the priority of the one that accepts connections (``ListenerService``), which must not wait behind requests.
final class ConnectionTasks: Sendable {
    private struct State {
        /// The running ones, by number; `nil` for one that is about to begin.
        var tasks: [Int: Task<Void, Never>?] = [:]
        var last = 0
        var isCancelled = false
        var drained: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Serves a connection in a new task.
    func start(_ serve: @escaping @Sendable () async -> Void) {
        let number = state.withLock { state in
            state.last += 1
            state.tasks[state.last] = .some(nil)
            return state.last
        }
        let task = Task(priority: .medium) {
            await serve()
            self.end(number)
        }
        let isCancelled = state.withLock { state in
            // Unless it has ended already.
            if state.tasks[number] != nil { state.tasks[number] = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Cancels all of them, and all that begin from now on.
    func cancel() {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return state.tasks.values.compactMap { $0 }
        }
        for task in tasks { task.cancel() }
    }

    /// Waits until the last one has ended. To be called once, when no more begin.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isDrained = state.withLock { state in
                if !state.tasks.isEmpty { state.drained = continuation }
                return state.tasks.isEmpty
            }
            if isDrained { continuation.resume() }
        }
    }

    private func end(_ number: Int) {
        let drained = state.withLock { state in
            state.tasks.removeValue(forKey: number)
            guard state.tasks.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.resume()
    }
}
