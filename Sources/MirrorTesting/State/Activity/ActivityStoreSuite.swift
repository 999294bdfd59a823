package import MirrorCore
package import MirrorState

/// What every `ActivityStore` must do: each line of its *Behavior* list is at least one case.
///
/// Run each case of ``cases`` with a new subject, and those of ``durableCases`` too if the store is durable; see ``StateStoreSuite``.
package enum ActivityStoreSuite {
    /// For every store.
    package static var cases: [ConformanceCase<ActivityStoreSubject>] { records + histories + sums + traces + documents + leases + closing }

    /// For stores whose state survives closing.
    package static var durableCases: [ConformanceCase<ActivityStoreSubject>] { durability }

    typealias Case = ConformanceCase<ActivityStoreSubject>
}

/// A place where a store keeps what is learnt, empty at first.
package struct ActivityStoreSubject: Sendable {
    /// Opens the store. A durable store that was closed opens with its previous state.
    package typealias Open =
        @Sendable (_ clock: any MirrorClock, _ history: Int, _ maxSums: Int) async throws -> any StateStore & ActivityStore

    let clock = ManualClock()
    private let open: Open

    /// - Parameter open: Called at least once in each case, and never again before the store is closed.
    package init(open: @escaping Open) {
        self.open = open
    }

    /// Opens the store for `body` and closes it afterwards.
    func withStore<Result>(
        history: Int = 1_000_000, maxSums: Int = 1_000_000, _ body: (ActivityScene) async throws -> Result
    ) async throws -> Result {
        let store = try await open(clock, history, maxSums)
        return try await ending {
            try await body(ActivityScene(store: store, clock: clock))
        } with: {
            await store.close()
        }
    }
}

extension ConformanceCase<ActivityStoreSubject> {
    /// A case that opens the store once.
    static func scene(
        _ name: String, history: Int = 1_000_000, maxSums: Int = 1_000_000, _ body: @escaping @Sendable (ActivityScene) async throws -> Void
    ) -> ConformanceCase {
        ConformanceCase(name) { try await $0.withStore(history: history, maxSums: maxSums, body) }
    }
}
