import MirrorCore
import MirrorTesting
import Testing

@testable import MirrorStorage

@Suite("The retry layer", .timeLimit(.minutes(5)))
struct RetryStoreTests {
    private static let unavailable = StorageError(.unavailable, "try later", operation: "test")

    @Test("waits longer after each failure, by a share of a limit that doubles")
    func schedule() {
        let policy = RetryStore.Policy(maxAttempts: 6, baseDelay: .milliseconds(100), maxDelay: .milliseconds(500))
        let delays = (1...6).map { policy.delay(after: $0, retryAfter: nil, random: 0.5) }
        #expect(delays == [.milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(250), .milliseconds(250), nil])
        #expect(policy.delay(after: 1, retryAfter: nil, random: 0) == .zero)
    }

    @Test("never waits less than the provider asks for, and does not wait at all for one that asks for too much")
    func retryAfter() {
        let policy = RetryStore.Policy(maxRetryAfter: .seconds(30))
        #expect(policy.delay(after: 1, retryAfter: .seconds(7), random: 0.5) == .seconds(7))
        #expect(policy.delay(after: 1, retryAfter: .seconds(30), random: 0.5) == .seconds(30))
        #expect(policy.delay(after: 1, retryAfter: .seconds(31), random: 0.5) == nil)
    }

    @Test("makes a call again until it succeeds, after waiting as long as the policy says")
    func succeedsInTheEnd() async throws {
        let (clock, journal) = (ManualClock(), Journal<HookedStore.Call>())
        let memory = MemoryStore()
        let object = try SampleObject(size: 10)
        try await object.put(into: memory)
        let base = HookedStore(memory) { call in
            if journal.note(call) < 3 { throw Self.unavailable }
        }
        let store = RetryStore(base, clock: clock, random: { 0.5 })
        async let info = store.head(object.key)
        await clock.sleepers(1)
        #expect(journal.entries.count == 1)
        clock.advance(by: .milliseconds(49))
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .milliseconds(1))
        await clock.sleepers(1)
        #expect(journal.entries.count == 2)
        clock.advance(by: .milliseconds(100))
        #expect(try await info.size == 10)
        #expect(journal.entries.count == 3)
    }

    @Test("gives up after the last attempt with the error of that")
    func givesUp() async throws {
        let (clock, journal) = (ManualClock(), Journal<HookedStore.Call>())
        let base = HookedStore { call in
            throw StorageError(.throttled, "attempt \(journal.note(call))", operation: "test")
        }
        let store = RetryStore(base, policy: .init(maxAttempts: 3), clock: clock, random: { 1 })
        async let error = requireStorageError(.throttled, "list") { try await store.list(after: nil, limit: 1) }
        for _ in 0..<2 {
            await clock.sleepers(1)
            clock.advance(by: .seconds(5))
        }
        #expect(try await error.message == "attempt 3")
    }

    @Test("does not repeat what would fail again", arguments: StorageError.Code.allCases.filter { !$0.isTransient })
    func permanent(_ code: StorageError.Code) async throws {
        let journal = Journal<HookedStore.Call>()
        let store = RetryStore(
            HookedStore { call in
                journal.note(call)
                throw StorageError(code, "no", operation: "test")
            }, clock: ManualClock(), random: { 0 })
        let key = try SampleObject(size: 1).key
        try await requireStorageError(code, "head") { try await store.head(key) }
        #expect(journal.entries.count == 1)
    }

    @Test("repeats the writing of a part that is in memory")
    func writesAgain() async throws {
        let failures = Journal<HookedStore.Call>()
        let base = HookedStore { call in
            guard call == .write else { return }
            failures.note(call)
            if failures.entries.count < 3 { throw Self.unavailable }
        }
        let store = RetryStore(base, policy: .init(baseDelay: .zero))
        let object = try SampleObject(size: 10)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let written = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(object.bytes))
        #expect(written == 10)
        #expect(failures.entries.count == 3)
        #expect(try await upload.complete(size: 10, sha256: object.sha256).size == 10)
    }

    @Test("never repeats the writing of a part whose stream is gone, completion, or a health check")
    func writesOnce() async throws {
        let journal = Journal<HookedStore.Call>()
        let base = HookedStore { call in
            if call == .beginUpload { return }
            journal.note(call)
            throw Self.unavailable
        }
        let store = RetryStore(base, clock: ManualClock(), random: { 0 })
        let object = try SampleObject(size: 10)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        try await requireStorageError(.unavailable, "write") {
            try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: .arriving(object.bytes))
        }
        try await requireStorageError(.unavailable, "complete") { try await upload.complete(size: 10, sha256: object.sha256) }
        try await requireStorageError(.unavailable, "checkHealth") { try await store.checkHealth() }
        #expect(journal.entries == [.write, .complete, .checkHealth])
    }

    @Test("stops waiting when the task is cancelled")
    func cancellation() async throws {
        let clock = ManualClock()
        let store = RetryStore(HookedStore { _ in throw Self.unavailable }, clock: clock, random: { 1 })
        let key = try SampleObject(size: 1).key
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await store.head(key) }
                await clock.sleepers(1)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        #expect(clock.sleeperCount == 0)
    }
}
