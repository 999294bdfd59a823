import MirrorCore
import MirrorState
import MirrorTesting
import Synchronization

/// An index, the store below it that can be held, and one below that which changes "elsewhere".
struct HotIndexScene {
    let clock = ManualClock()
    let elsewhere: MemoryStateStore
    let held: HeldStore
    let index: HotIndex
    let invalidations: HotIndexInvalidations

    init(memory: Int = 1 << 20) {
        elsewhere = MemoryStateStore(clock: clock)
        held = HeldStore(elsewhere)
        index = HotIndex(held, memory: memory)
        invalidations = HotIndexInvalidations(index)
    }

    /// Runs `body` while the index follows the base store's changes.
    func following<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await index.run() }
            // It begins by forgetting everything, once it listens.
            await invalidations.until(.everything)
            let result = try await body()
            group.cancelAll()
            return result
        }
    }
}

/// What the observer saw.
final class HotIndexInvalidations: Sendable {
    private let seen = Mutex<[HotIndex.Invalidation]>([])
    private let stream: AsyncStream<HotIndex.Invalidation>

    init(_ index: HotIndex) {
        let (stream, continuation) = AsyncStream<HotIndex.Invalidation>.makeStream()
        self.stream = stream
        index.addObserver { [self] invalidation in
            seen.withLock { $0.append(invalidation) }
            continuation.yield(invalidation)
        }
    }

    var all: [HotIndex.Invalidation] { seen.withLock { $0 } }

    func until(_ invalidation: HotIndex.Invalidation) async {
        for await seen in stream where seen == invalidation { return }
    }
}
