import Synchronization

/// Whether the client of a connection is still there, as far as is known: one that ends its side is taken to be gone.
///
/// Belongs to one connection, which asks for one thing at a time.
package final class ClientPresence: Sendable {
    private struct State {
        var hasLeft = false
        var action: (@Sendable () -> Void)?
    }

    /// Of the connection whose request the current task answers.
    @TaskLocal package static var current: ClientPresence?

    private let state = Mutex(State())

    package init() {}

    package var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// Called once the client has ended its side, or is known to be gone.
    package func leave() {
        let action = state.withLock { state in
            state.hasLeft = true
            return state.action.take()
        }
        action?()
    }

    /// Has something done when the client leaves, or at once when it has left, until ``forget()``.
    func whenLeft(_ action: @escaping @Sendable () -> Void) {
        let hasLeft = state.withLock { state in
            if !state.hasLeft { state.action = action }
            return state.hasLeft
        }
        if hasLeft { action() }
    }

    func forget() {
        state.withLock { $0.action = nil }
    }
}
