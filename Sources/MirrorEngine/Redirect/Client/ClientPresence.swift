package import MirrorCore
import Synchronization

/// Who the client of a connection is, and whether it is still there, as far as is known: one that ends its side is taken to be gone.
///
/// Belongs to one connection, which asks for one thing at a time.
package final class ClientPresence: Sendable {
    private struct State {
        var address: IPAddress?
        var hasLeft = false
        var action: (@Sendable () -> Void)?
    }

    /// Of the connection whose request the current task answers.
    @TaskLocal package static var current: ClientPresence?

    private let state: Mutex<State>

    /// - Parameter address: See ``address``.
    package init(address: IPAddress? = nil) {
        state = Mutex(State(address: address))
    }

    /// The other end of the connection, or whom a proxy there has named by the PROXY protocol; `nil` for a Unix socket.
    package var address: IPAddress? {
        get { state.withLock { $0.address } }
        set { state.withLock { $0.address = newValue } }
    }

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
