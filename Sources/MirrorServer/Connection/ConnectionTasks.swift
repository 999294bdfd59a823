import NIOCore
import Synchronization

/// The open connections of a listener, and the tasks of those that have one.
///
/// There is no task group, because that searches all of its children when one of them ends: with ten thousand connections, a tenth of the work.
/// The tasks do not inherit the priority of the one that accepts connections (``ListenerService``), which must not wait behind requests.
final class ConnectionTasks: Sendable {
    private struct State {
        /// Cancels each connection and each task, by number; `nil` for a task that is about to begin.
        var cancellations: [Int: (@Sendable () -> Void)?] = [:]
        var last = 0
        var isCancelled = false
        var drained: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Keeps a connection until it is closed.
    ///
    /// - Parameter hangUp: Closes it at once; called in any task, perhaps more than once.
    func add(_ channel: any Channel, hangUp: @escaping @Sendable () -> Void) {
        let (number, isCancelled) = begin(hangUp)
        channel.closeFuture.whenComplete { _ in self.end(number) }
        if isCancelled { hangUp() }
    }

    /// Serves a connection in a new task.
    func start(_ serve: @escaping @Sendable () async -> Void) {
        let (number, _) = begin(nil)
        let task = Task(priority: .medium) {
            await serve()
            self.end(number)
        }
        let isCancelled = state.withLock { state in
            // Unless it has ended already.
            if state.cancellations[number] != nil { state.cancellations.updateValue({ task.cancel() }, forKey: number) }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Cancels all of them, and all that begin from now on.
    func cancel() {
        let cancellations = state.withLock { state in
            state.isCancelled = true
            return state.cancellations.values.compactMap { $0 }
        }
        for cancel in cancellations { cancel() }
    }

    /// Waits until the last one has ended. To be called once, when no more begin.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isDrained = state.withLock { state in
                if !state.cancellations.isEmpty { state.drained = continuation }
                return state.cancellations.isEmpty
            }
            if isDrained { continuation.resume() }
        }
    }

    private func begin(_ cancel: (@Sendable () -> Void)?) -> (number: Int, isCancelled: Bool) {
        state.withLock { state in
            state.last += 1
            state.cancellations.updateValue(cancel, forKey: state.last)
            return (state.last, state.isCancelled)
        }
    }

    private func end(_ number: Int) {
        let drained = state.withLock { state in
            state.cancellations.removeValue(forKey: number)
            guard state.cancellations.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.resume()
    }
}
