import MirrorCore
import MirrorStorage
import MirrorTesting
import Testing

@Suite("The limit layer", .timeLimit(.minutes(5)))
struct LimitStoreTests {
    /// A store whose operations take a second of `clock`.
    private static func slow(_ clock: ManualClock) -> HookedStore {
        HookedStore { _ in try await clock.sleep(for: .seconds(1)) }
    }

    /// There is nothing to wait for but the count itself: a waiting task tells nobody.
    private static func waiting(_ count: Int, for store: LimitStore) async {
        while store.waitingCount != count, !Task.isCancelled { await Task.yield() }
    }

    @Test("lets so many operations through at once, and the others in the order in which they came")
    func order() async throws {
        let (clock, begun) = (ManualClock(), Journal<Int>())
        let base = HookedStore { _ in try await clock.sleep(for: .seconds(1)) }
        let store = LimitStore(base, operations: 2)
        let key = try SampleObject(size: 1).key
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    try? await store.delete(key)
                    begun.note(number)
                }
                await clock.sleepers(min(number + 1, 2))
                await Self.waiting(max(0, number - 1), for: store)
            }
            for round in 0..<3 {
                #expect(clock.sleeperCount == 2)
                #expect(begun.entries.count == round * 2)
                clock.advance(by: .seconds(1))
                await Self.waiting(max(0, 2 - round * 2), for: store)
                if round < 2 { await clock.sleepers(2) }
                while begun.entries.count < round * 2 + 2, !Task.isCancelled { await Task.yield() }
            }
        }
        let rounds = stride(from: 0, to: 6, by: 2).map { Set(begun.entries.dropFirst($0).prefix(2)) }
        #expect(rounds == [[0, 1], [2, 3], [4, 5]])
    }

    @Test("forgets who is cancelled while waiting, and loses no permit by it")
    func cancellation() async throws {
        let clock = ManualClock()
        let store = LimitStore(Self.slow(clock), operations: 1)
        let key = try SampleObject(size: 1).key
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.delete(key) }
            await clock.sleepers(1)
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { waiting in
                    waiting.addTask { try await store.delete(key) }
                    await Self.waiting(1, for: store)
                    waiting.cancelAll()
                    try await waiting.waitForAll()
                }
            }
            #expect(store.waitingCount == 0)
            group.addTask { try await store.delete(key) }
            await Self.waiting(1, for: store)
            clock.advance(by: .seconds(1))
            await clock.sleepers(1)
            clock.advance(by: .seconds(1))
            try await group.waitForAll()
        }
        // The permit came back after all of that.
        async let last: Void = store.delete(key)
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        try await last
    }

    @Test("gives the permit back when an operation fails")
    func failure() async throws {
        let store = LimitStore(MemoryStore(), operations: 1)
        let object = try SampleObject(size: 10)
        for _ in 0..<3 { try await requireStorageError(.notFound, "head") { try await store.head(object.key) } }
        try await object.put(into: store)
        #expect(try await store.head(object.key).size == 10)
    }

    @Test("an object can be read from and written to the same store by one operation at a time")
    func bodyTakesNoPermit() async throws {
        let store = LimitStore(MemoryStore(), operations: 1)
        let (object, copy) = (try SampleObject(size: 1_000), try SampleObject(size: 1_000))
        try await object.put(into: store)
        let body = try await store.get(object.key, range: nil).body
        let upload = try await store.beginUpload(copy.key, metadata: copy.metadata, expectedSize: nil)
        #expect(try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: body) == 1_000)
        await upload.abort()
    }

    @Test("health checks and abort do not wait for a permit")
    func free() async throws {
        let clock = ManualClock()
        let memory = MemoryStore()
        let base = HookedStore(memory) { call in
            if call == .delete { try await clock.sleep(for: .seconds(1)) }
        }
        let store = LimitStore(base, operations: 1)
        let object = try SampleObject(size: 1)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        async let busy: Void = store.delete(object.key)
        await clock.sleepers(1)
        try await store.checkHealth()
        await upload.abort()
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(1))
        try await busy
    }
}
