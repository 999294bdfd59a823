import MirrorCore
import MirrorState
import MirrorTesting
import Synchronization
import Testing

@Suite("The hot index: races", .timeLimit(.minutes(5)))
struct HotIndexRaceTests {
    @Test("a slow read does not bring back what was removed through the index meanwhile")
    func refusesStaleReads() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.elsewhere.recordPresent(id, Sample.object(id))
        scene.held.hold()
        async let slow = scene.index.replica(id)
        await scene.held.untilHeld()
        _ = try await scene.index.beginRemoval(id)
        scene.held.release()
        // It was present when it was read, and may be answered so; it must not be remembered.
        #expect(try await slow?.state == .present)
        #expect(scene.index.cached(id) == nil)
        #expect(try await scene.index.replica(id)?.status == .removing)
    }

    @Test("a slow read does not bring back what was marked elsewhere meanwhile")
    func refusesStaleReadsOfOtherChanges() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.elsewhere.recordPresent(id, Sample.object(id, at: scene.clock.now))
        try await scene.following {
            scene.held.hold()
            async let slow = scene.index.replica(id)
            await scene.held.untilHeld()
            _ = try await scene.elsewhere.mark([id], unusedSince: scene.clock.now)
            await scene.invalidations.until(.replica(id))
            scene.held.release()
            #expect(try await slow?.state == .present)
            #expect(scene.index.cached(id) == nil)
        }
    }

    @Test("others that become pending and present do not disturb a slow read or a token")
    func toleratesABusyMirror() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.elsewhere.recordPresent(id, Sample.object(id))
        try await scene.following {
            let token = scene.index.token(of: id)
            scene.held.hold()
            async let slow = scene.index.replica(id)
            await scene.held.untilHeld()
            for number in 2..<200 {
                let other = try Sample.id(number)
                let store: any StateStore = number.isMultiple(of: 2) ? scene.index : scene.elsewhere
                _ = try await store.claim(other)
                let lease = try #require(try await store.lease(pools: [other.pool], worker: "worker", duration: .seconds(15)))
                try await store.finish(lease, .present(Sample.object(other)))
            }
            scene.held.release()
            _ = try await slow
            #expect(scene.index.cached(id) != nil)
            #expect(scene.index.isCurrent(token))
            #expect(scene.invalidations.all == [.everything])
        }
    }

    /// As the server's fast path does it: a table of its own, filled under the lock that its observer takes.
    @Test("a cache in front of the index, kept by token and observer, never holds what was removed")
    func keepsACacheInFront() async throws {
        let scene = HotIndexScene()
        let index = scene.index
        let table = FrontTable()
        index.addObserver { table.invalidate($0) }
        let ids = try (0..<50).map { try Sample.id($0) }
        for _ in 0..<20 {
            for id in ids { _ = try await index.recordPresent(id, Sample.object(id)) }
            let removals = try await withThrowingTaskGroup(of: Removal?.self) { group in
                for id in ids {
                    for _ in 0..<4 {
                        group.addTask {
                            for _ in 0..<5 {
                                let token = index.token(of: id)
                                if case .present = try await index.replica(id)?.status { table.insert(id, if: { index.isCurrent(token) }) }
                            }
                            return nil
                        }
                    }
                    group.addTask { try await index.beginRemoval(id) }
                }
                return try await group.reduce(into: [Removal]()) { removals, removal in if let removal { removals.append(removal) } }
            }
            #expect(table.count == 0)
            #expect(index.count == 0)
            for removal in removals { _ = try await index.endRemoval(removal) }
        }
    }

    private final class FrontTable: Sendable {
        private let ids = Mutex<Set<ReplicaID>>([])

        var count: Int { ids.withLock { $0.count } }

        func insert(_ id: ReplicaID, if isCurrent: () -> Bool) {
            ids.withLock { ids in
                if isCurrent() { ids.insert(id) }
            }
        }

        func invalidate(_ invalidation: HotIndex.Invalidation) {
            ids.withLock { ids in
                switch invalidation {
                case .replica(let id): ids.remove(id)
                case .everything: ids.removeAll()
                }
            }
        }
    }
}
