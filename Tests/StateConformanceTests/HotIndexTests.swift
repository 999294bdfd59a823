import MirrorCore
import MirrorState
import MirrorTesting
import Synchronization
import TestServers
import Testing

@Suite("The hot index", .timeLimit(.minutes(5)))
struct HotIndexTests {
    // MARK: Remembering

    @Test("answers for a present replica from memory after one look into the store")
    func remembersPresentReplicas() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        let replica = try await scene.elsewhere.recordPresent(id, Sample.object(id))
        #expect(scene.index.cached(id) == nil)
        for _ in 0..<3 { #expect(try await scene.index.replica(id) == replica) }
        #expect(scene.held.reads == 1)
        #expect(scene.index.cached(id) == Sample.object(id))
    }

    @Test("passes a limit on to a store that has one, and remembers the answer; a store without limits takes its time")
    func passesLimitsOn() async throws {
        let elsewhere = MemoryStateStore(clock: ManualClock())
        let store = ScriptedStateStore(elsewhere)
        let index = HotIndex(store, memory: 1 << 20)
        #expect(index.answerLimit == nil)
        store.limitAnswers(to: .seconds(2))
        #expect(index.answerLimit == .seconds(2))
        let id = try Sample.id(1)
        let replica = try await elsewhere.recordPresent(id, Sample.object(id))
        for _ in 0..<2 { #expect(try await index.replica(id, within: .seconds(1)) == replica) }
        #expect(store.limits == [.seconds(1)])
        _ = try await index.replica(try Sample.id(2), within: nil)
        #expect(store.count(.replica) == 1)
        #expect(store.limits == [.seconds(1)])
        let unlimited = HotIndex(elsewhere, memory: 1 << 20)
        #expect(unlimited.answerLimit == nil)
        #expect(try await unlimited.replica(id, within: .seconds(1)) == replica)
    }

    @Test("remembers what it learns from a claim, a back-fill and the end of a copy")
    func remembersWhatItLearns() async throws {
        let scene = HotIndexScene()
        let ids = try (1...3).map { try Sample.id($0) }
        _ = try await scene.elsewhere.recordPresent(ids[0], Sample.object(ids[0]))
        _ = try await scene.index.claim(ids[0])
        _ = try await scene.index.recordPresent(ids[1], Sample.object(ids[1]))
        _ = try await scene.index.claim(ids[2])
        let lease = try #require(try await scene.index.lease(pools: [ids[2].pool], worker: "worker", duration: .seconds(15)))
        try await scene.index.finish(lease, .present(Sample.object(ids[2])))
        for id in ids { #expect(scene.index.cached(id) == Sample.object(id)) }
        #expect(scene.held.reads == 0)
        #expect(scene.invalidations.all == [])
    }

    @Test("remembers nothing that is absent, pending, an error or under removal")
    func remembersOnlyPresentReplicas() async throws {
        let scene = HotIndexScene()
        let failed = try Sample.id(1)
        _ = try await scene.index.claim(failed)
        let lease = try #require(try await scene.index.lease(pools: [failed.pool], worker: "worker", duration: .seconds(15)))
        try await scene.index.finish(lease, .failed(CopyFailure(reason: .transfer, message: "it broke", retryAt: scene.clock.now)))
        let pending = try Sample.id(2)
        _ = try await scene.index.claim(pending)
        let purged = try Sample.id(3)
        _ = try await scene.index.beginRemoval(purged)
        for id in [failed, pending, purged, try Sample.id(4)] {
            _ = try await scene.index.replica(id)
            #expect(scene.index.cached(id) == nil)
        }
        #expect(scene.index.count == 0)
    }

    @Test("a marked replica is answered from the store until a use has revived it")
    func leavesMarkedReplicasToTheStore() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.index.recordPresent(id, Sample.object(id, at: scene.clock.now))
        #expect(try await scene.index.mark([id], unusedSince: scene.clock.now) == [id])
        #expect(scene.index.cached(id) == nil)
        _ = try await scene.index.replica(id)
        #expect(scene.index.cached(id) == nil)
        #expect(scene.held.reads == 1)
        try await scene.index.touch([ReplicaUse(id: id, at: scene.clock.now)])
        _ = try await scene.index.replica(id)
        #expect(scene.index.cached(id)?.markedAt == nil)
        #expect(scene.index.cached(id) != nil)
    }

    @Test("a use moves lastUsed in memory too, and invalidates nothing")
    func followsUses() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.index.recordPresent(id, Sample.object(id, at: scene.clock.now))
        let token = scene.index.token(of: id)
        let later = scene.clock.now + .seconds(60)
        try await scene.index.touch([ReplicaUse(id: id, at: later)])
        #expect(scene.index.cached(id)?.lastUsed == later)
        #expect(scene.index.isCurrent(token))
        #expect(scene.invalidations.all == [])
    }

    @Test("takes no more memory than it may", arguments: [20_000, 300_000, 5 << 20])
    func isBounded(_ limit: Int) async throws {
        let scene = HotIndexScene(memory: limit)
        // Each takes 120 bytes.
        for number in 0..<(limit / 60) {
            let id = try Sample.id(number)
            _ = try await scene.index.recordPresent(id, Sample.object(id))
            #expect(scene.index.cached(id) != nil)
        }
        #expect(scene.index.memory.bytes <= limit)
        #expect(scene.index.count > limit / 180)
        #expect(scene.index.memory.allocatedBytes < limit + limit / 10)
        #expect(scene.invalidations.all == [])
    }

    @Test("a reader of many gets from the store those that memory does not have, in their order, and what is present is not remembered yet")
    func looksForMany() async throws {
        let scene = HotIndexScene()
        let ids = try (0..<5).map { try Sample.id($0) }
        for id in ids[..<3] { _ = try await scene.elsewhere.recordPresent(id, Sample.object(id)) }
        _ = try await scene.index.replica(ids[1])
        _ = try await scene.index.claim(ids[3])
        let reads = scene.held.reads
        let found = try await scene.index.look([ids[4], ids[3], ids[1], ids[2], ids[0], ids[2]])
        #expect(found.map(\.replica?.state) == [nil, .pending, .present, .present, .present, .present])
        #expect(found.map(\.replica?.id) == [nil, ids[3], ids[1], ids[2], ids[0], ids[2]])
        #expect(scene.held.reads == reads + 5)
        #expect(scene.index.count == 1)
        #expect(zip([ids[4], ids[3], ids[1]], found).allSatisfy { scene.index.token(of: $0) == $1.token })
        _ = try await scene.index.replicas(ids)
        #expect(scene.index.count == 3)
    }

    @Test("an answer goes with its replica, is not taken once the replica was invalidated, and says which replica it is about")
    func keepsAnswers() async throws {
        let scene = HotIndexScene()
        let (id, other) = (try Sample.id(1), try Sample.id(2))
        _ = try await scene.index.recordPresent(id, Sample.object(id))
        let token = scene.index.token(of: id)
        scene.index.remember(Sample.answer("/a"), of: id, Sample.object(id), token: token)
        scene.index.remember(Sample.answer("/b"), of: other, Sample.object(other, size: 7), token: scene.index.token(of: other))
        #expect(Sample.size(of: "/a", in: scene.index.memory) == 100)
        #expect(Sample.size(of: "/b", in: scene.index.memory) == 7)
        #expect(scene.index.cached(other) == Sample.object(other, size: 7))
        #expect(scene.index.count == 2)
        _ = try await scene.index.beginRemoval(id)
        #expect(Sample.size(of: "/a", in: scene.index.memory) == nil)
        scene.index.remember(Sample.answer("/a"), of: id, Sample.object(id), token: token)
        #expect(Sample.size(of: "/a", in: scene.index.memory) == nil)
        #expect(scene.index.cached(id) == nil)
    }

    @Test("an answer about other bytes than those that are remembered is a contradiction: both go")
    func refusesContradictions() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        _ = try await scene.index.recordPresent(id, Sample.object(id))
        scene.index.remember(Sample.answer("/a"), of: id, Sample.object(id, size: 101), token: scene.index.token(of: id))
        #expect(Sample.size(of: "/a", in: scene.index.memory) == nil)
        #expect(scene.index.count == 0)
        #expect(scene.invalidations.all == [.replica(id)])
    }

    @Test("who is asked for stays when the index is full")
    func givesASecondChance() async throws {
        let scene = HotIndexScene(memory: 20_000)
        let popular = try Sample.id(0)
        for number in 0..<1_000 {
            let id = try Sample.id(number)
            _ = try await scene.index.recordPresent(id, Sample.object(id))
            #expect(scene.index.cached(popular) != nil)
        }
    }

    @Test("removals in any order leave the others in place")
    func removesInAnyOrder() async throws {
        let scene = HotIndexScene()
        let ids = try (0..<100).map { try Sample.id($0) }
        for id in ids { _ = try await scene.index.recordPresent(id, Sample.object(id, size: Int64(id.hashValue & 0xFFFF))) }
        var rest = Set(ids)
        for id in ids.shuffled() {
            _ = try await scene.index.beginRemoval(id)
            rest.remove(id)
            #expect(scene.index.cached(id) == nil)
            for other in rest { #expect(scene.index.cached(other)?.key == ObjectKey(other.artifact)) }
        }
        #expect(scene.index.count == 0)
    }

    // MARK: Forgetting

    @Test("tells its observers of a mark, a removal and an error, after memory is empty and the token is out of date")
    func tellsObservers() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        let index = scene.index
        let checks = Mutex<[Bool]>([])
        let token = Mutex(index.token(of: id))
        index.addObserver { invalidation in
            let isRight = invalidation == .replica(id) && !index.isCurrent(token.withLock { $0 }) && index.cached(id) == nil
            checks.withLock { $0.append(isRight) }
        }
        _ = try await index.recordPresent(id, Sample.object(id, at: scene.clock.now))
        _ = try await index.mark([id], unusedSince: scene.clock.now)
        #expect(checks.withLock { $0 } == [true])
        token.withLock { $0 = index.token(of: id) }
        let removal = try #require(try await index.beginRemoval(id))
        #expect(checks.withLock { $0 } == [true, true])
        #expect(try await index.endRemoval(removal))
        _ = try await index.claim(id)
        let lease = try #require(try await index.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        token.withLock { $0 = index.token(of: id) }
        try await index.finish(lease, .failed(CopyFailure(reason: .transfer, message: "it broke", retryAt: scene.clock.now)))
        #expect(checks.withLock { $0 } == [true, true, true])
    }

    @Test("forgets what may have changed when the store's answer is lost")
    func forgetsOnFailure() async throws {
        let scene = HotIndexScene()
        let ids = [try Sample.id(1), try Sample.id(2)]
        for id in ids { _ = try await scene.index.recordPresent(id, Sample.object(id, at: scene.clock.now)) }
        scene.held.failAfterChanges()
        await #expect(throws: StateError.self) { try await scene.index.mark([ids[0]], unusedSince: scene.clock.now) }
        await #expect(throws: StateError.self) { try await scene.index.beginRemoval(ids[1]) }
        for id in ids { #expect(scene.index.cached(id) == nil) }
        #expect(scene.invalidations.all == ids.map { .replica($0) })
    }

    @Test("forgets what was changed elsewhere as soon as the store tells of it")
    func followsTheStore() async throws {
        let scene = HotIndexScene()
        let id = try Sample.id(1)
        try await scene.following {
            _ = try await scene.index.recordPresent(id, Sample.object(id, at: scene.clock.now))
            _ = try await scene.elsewhere.mark([id], unusedSince: scene.clock.now)
            await scene.invalidations.until(.replica(id))
            #expect(scene.index.cached(id) == nil)
        }
    }

    @Test("forgets everything when changes may have been missed, and when it stops following")
    func forgetsEverything() async throws {
        let broadcaster = ChangeBroadcaster()
        let base = MemoryStateStore(clock: ManualClock())
        let index = HotIndex(HeldStore(base, changes: broadcaster), memory: 1 << 20)
        let invalidations = HotIndexInvalidations(index)
        let ids = try (0..<20).map { try Sample.id($0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await index.run() }
            await invalidations.until(.everything)
            for round in 0..<2 {
                for id in ids { _ = try? await index.recordPresent(id, Sample.object(id)) }
                #expect(index.count == 20)
                let token = index.token(of: ids[round])
                if round == 0 { broadcaster.publish([.everything]) } else { broadcaster.finish() }
                await invalidations.until(.everything)
                #expect(index.count == 0)
                #expect(!index.isCurrent(token))
            }
        }
    }

    @Test("another object under the same name is a change; a newer use of the same one is not")
    func comparesObjects() async throws {
        let broadcaster = ChangeBroadcaster()
        let base = MemoryStateStore(clock: ManualClock())
        let index = HotIndex(HeldStore(base, changes: broadcaster), memory: 1 << 20)
        let invalidations = HotIndexInvalidations(index)
        let id = try Sample.id(1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await index.run() }
            await invalidations.until(.everything)
            let object = Sample.object(id, size: 10)
            _ = try await index.recordPresent(id, object)
            let token = index.token(of: id)
            var used = object
            used.lastUsed = object.lastUsed + .seconds(9)
            var other = object
            other.size = 11
            let fence = try Sample.id(2)
            broadcaster.publish([.replica(id, Replica(id: id, status: .present(used))), .replica(fence, nil)])
            await invalidations.until(.replica(fence))
            #expect(index.cached(id) != nil)
            #expect(invalidations.all == [.everything, .replica(fence)])
            #expect(!index.isCurrent(token))
            broadcaster.publish([.replica(id, Replica(id: id, status: .present(other)))])
            await invalidations.until(.replica(id))
            #expect(index.cached(id) == nil)
            group.cancelAll()
        }
    }

    @Test("what is told of by the hash of its name is forgotten, and what is not remembered disturbs nobody")
    func followsHashes() async throws {
        let broadcaster = ChangeBroadcaster()
        let index = HotIndex(HeldStore(MemoryStateStore(clock: ManualClock()), changes: broadcaster), memory: 1 << 20)
        let invalidations = HotIndexInvalidations(index)
        let (id, other) = (try Sample.id(1), try Sample.id(2))
        let elsewhere = ReplicaID(artifact: id.artifact, pool: try Sample.pool("s3/elsewhere"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await index.run() }
            await invalidations.until(.everything)
            for id in [id, other, elsewhere] { _ = try await index.recordPresent(id, Sample.object(id)) }
            index.remember(Sample.answer("/a"), of: id, Sample.object(id), token: index.token(of: id))
            broadcaster.publish([.staleName(try Sample.id(3).artifact.nameHash, id.pool), .staleName("0", id.pool)])
            let fence = try Sample.id(9)
            broadcaster.publish([.replica(fence, nil)])
            await invalidations.until(.replica(fence))
            #expect(invalidations.all == [.everything, .replica(fence)])
            broadcaster.publish([.staleName(id.artifact.nameHash, id.pool)])
            await invalidations.until(.everything)
            #expect(index.cached(id) == nil)
            #expect(Sample.size(of: "/a", in: index.memory) == nil)
            for kept in [other, elsewhere] { #expect(index.cached(kept) != nil) }
            group.cancelAll()
        }
    }
}
