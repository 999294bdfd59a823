public import MirrorCore
public import MirrorState

/// What every `StateStore` must do: each line of its *Behavior* list is at least one case.
///
/// Run each case of ``cases`` and ``fillingCases`` with a new subject, and those of ``durableCases`` too if the store is durable:
/// ```swift
/// @Test(arguments: StateStoreSuite.cases + StateStoreSuite.fillingCases + StateStoreSuite.durableCases)
/// func conforms(_ testCase: ConformanceCase<StateStoreSubject>) async throws {
///     try await testCase.run(
///         StateStoreSubject { clock, maxQueued, maxQueuedPerOrigin in
///             try MyStore(place, clock: clock, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin)
///         })
/// }
/// ```
public enum StateStoreSuite {
    /// For every store.
    public static var cases: [ConformanceCase<StateStoreSubject>] {
        claims + queries + leases + leasesInPassing + lanes + unfinished + endings + backfills + uses + descriptions + removals + fences
            + listings + totals
            + changes
            + races + clocks + bounds + closing
    }

    /// Cases that take up to a minute, because they fill the store. A store that only forwards to another one can skip them.
    public static var fillingCases: [ConformanceCase<StateStoreSubject>] { filling }

    /// For stores whose state survives closing.
    public static var durableCases: [ConformanceCase<StateStoreSubject>] { durability }

    typealias Case = ConformanceCase<StateStoreSubject>
}

/// A place where a state store keeps its state, empty at first.
public struct StateStoreSubject: Sendable {
    /// Opens the store. A durable store that was closed opens with its previous state.
    public typealias Open =
        @Sendable (_ clock: any MirrorClock, _ maxQueued: Int, _ maxQueuedPerOrigin: Int) async throws -> any StateStore

    let clock = ManualClock()
    private let open: Open

    /// - Parameter open: Called at least once in each case, and never again before the store is closed.
    public init(open: @escaping Open) {
        self.open = open
    }

    /// Opens the store for `body` and closes it afterwards.
    func withStore<Result>(
        maxQueued: Int = 1_000, maxQueuedPerOrigin: Int = .max, _ body: (StateScene) async throws -> Result
    ) async throws -> Result {
        let store = try await open(clock, maxQueued, maxQueuedPerOrigin)
        return try await ending {
            try await body(try StateScene(store: store, clock: clock))
        } with: {
            await store.close()
        }
    }
}

extension ConformanceCase<StateStoreSubject> {
    /// A case that opens the store once.
    static func scene(
        _ name: String, maxQueued: Int = 1_000, maxQueuedPerOrigin: Int = .max,
        _ body: @escaping @Sendable (StateScene) async throws -> Void
    ) -> ConformanceCase {
        ConformanceCase(name) { try await $0.withStore(maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin, body) }
    }
}
