import Synchronization

/// The client of a connection: its address, and whether it is still there. A client that closes its side counts as gone.
///
/// Belongs to one connection, which has one request at a time, and that waits for one thing at a time.
package final class ClientPresence: Sendable {
    private struct State {
        var address: IPAddress?
        var hasLeft = false
        var action: (@Sendable () -> Void)?
        var look: StateLook?
    }

    /// The client of the connection whose request the current task answers.
    @TaskLocal package static var current: ClientPresence?

    private let state: Mutex<State>

    /// - Parameter address: See ``address``.
    package init(address: IPAddress? = nil) {
        state = Mutex(State(address: address))
    }

    /// The address of the other end of the connection or, if that is a proxy, the one that it named by the PROXY protocol; `nil` for a Unix socket.
    package var address: IPAddress? {
        get { state.withLock { $0.address } }
        set { state.withLock { $0.address = newValue } }
    }

    package var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// To be called once the client has closed its side, or is known to be gone.
    package func leave() {
        let action = state.withLock { state in
            state.hasLeft = true
            return state.action.take()
        }
        action?()
    }

    /// Calls `action` when the client leaves, or at once if it has already left. ``forget()`` cancels that.
    package func whenLeft(_ action: @escaping @Sendable () -> Void) {
        let hasLeft = state.withLock { state in
            if !state.hasLeft { state.action = action }
            return state.hasLeft
        }
        if hasLeft { action() }
    }

    package func forget() {
        state.withLock { $0.action = nil }
    }

    /// Notes what a look into the state has shown for the client's request, for whoever answers it; `nil` for nothing.
    package func note(_ look: StateLook?) {
        state.withLock { $0.look = look }
    }

    package func takeLook() -> StateLook? {
        state.withLock { $0.look.take() }
    }
}

/// The client for which something was done has left.
package struct ClientHasLeft: Error {}
