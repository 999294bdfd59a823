/// A gate that a response of a ``FakeOrigin`` waits at until the test opens it, for good.
package final class FakeGate: Sendable {
    private struct State {
        var isOpen = false
        var waiting = 0
    }

    private let state: WatchedState<State>

    package init() {
        state = WatchedState(State())
    }

    package func open() {
        state.change { $0.isOpen = true }
    }

    /// - Throws: `CancellationError` when the origin stops.
    package func wait() async throws {
        state.change { $0.waiting += 1 }
        defer { state.change { $0.waiting -= 1 } }
        try await state.value { $0.isOpen ? () : nil }
    }

    /// How many responses wait here.
    package var waitingCount: Int { state.current.waiting }

    /// Returns once `count` responses wait here.
    package func waiting(_ count: Int = 1) async throws {
        try await state.value { $0.waiting >= count ? () : nil }
    }
}
