import MirrorCore
import MirrorTesting
import NIOCore
import Synchronization
import Testing

@testable import MirrorStorage

@Suite("The timeout layer", .timeLimit(.minutes(5)))
struct TimeoutStoreTests {
    private let clock = ManualClock()
    /// Stands still: who sleeps on it hangs until it is cancelled.
    private let never = ManualClock()
    private let limits = TimeoutStore.Limits(call: .seconds(10), complete: .seconds(100), idle: .seconds(60))

    private func hanging(in calls: Set<HookedStore.Call>, _ base: any ObjectStore = MemoryStore()) -> TimeoutStore {
        TimeoutStore(
            HookedStore(base) { [never] call in if calls.contains(call) { try await never.sleep(for: .seconds(1)) } },
            limits: limits, clock: clock)
    }

    /// Runs a call that hangs; moves the time by `limit` and expects the error.
    private func expectTimeOut(after limit: Duration, _ call: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await requireStorageError(.timedOut, "call", call) }
            await clock.sleepers(1)
            await never.sleepers(1)
            clock.advance(by: limit - .milliseconds(1))
            #expect(never.sleeperCount == 1)
            clock.advance(by: .milliseconds(1))
            try await group.waitForAll()
        }
        // The call itself was cancelled, not left behind.
        #expect(never.sleeperCount == 0)
    }

    @Test("a short call that takes too long throws timedOut and is cancelled")
    func shortCalls() async throws {
        let store = hanging(in: Set(HookedStore.Call.allCases))
        let object = try SampleObject(size: 1)
        try await expectTimeOut(after: .seconds(10)) { _ = try await store.head(object.key) }
        try await expectTimeOut(after: .seconds(10)) { _ = try await store.get(object.key, range: nil) }
        try await expectTimeOut(after: .seconds(10)) { _ = try await store.openFile(object.key) }
        try await expectTimeOut(after: .seconds(10)) { try await store.delete(object.key) }
        try await expectTimeOut(after: .seconds(10)) { _ = try await store.list(after: nil, limit: 1) }
        try await expectTimeOut(after: .seconds(10)) { try await store.checkHealth() }
        try await expectTimeOut(after: .seconds(10)) {
            _ = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        }
    }

    @Test("complete has a limit of its own")
    func complete() async throws {
        let store = hanging(in: [.complete])
        let object = try SampleObject(size: 1)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        try await expectTimeOut(after: .seconds(100)) { _ = try await upload.complete(size: 1, sha256: object.sha256) }
    }

    @Test("a call that is quick enough leaves no alarm behind")
    func quick() async throws {
        let store = hanging(in: [])
        let object = try SampleObject(size: 300_000)
        try await object.put(into: store)
        #expect(try await store.get(object.key, range: nil).body.collect(upTo: 1 << 20) == object.bytes)
        #expect(clock.sleeperCount == 0)
    }

    @Test("a call that waits for nothing sets no timer, and one that waits sets one")
    func timers() async throws {
        let (never, counting) = (never, CountingClock(base: clock))
        let store = TimeoutStore(
            HookedStore { call in if call == .list { try await never.sleep(for: .seconds(1)) } }, limits: limits, clock: counting)
        let object = try SampleObject(size: 1_000)
        try await object.put(into: store)
        #expect(try await store.head(object.key).size == 1_000)
        #expect(counting.timers == 0)
        let listing = Task { try await store.list(after: nil, limit: 1) }
        await clock.sleepers(1)
        #expect(counting.timers == 1)
        listing.cancel()
        await #expect(throws: CancellationError.self) { try await listing.value }
        #expect(clock.sleeperCount == 0)
    }

    /// Counts the timers that are set.
    private final class CountingClock: MonotonicClock {
        private let base: ManualClock
        private let count = Mutex(0)

        init(base: ManualClock) {
            self.base = base
        }

        var timers: Int { count.withLock { $0 } }
        var instant: ContinuousClock.Instant { base.instant }

        func sleep(until deadline: ContinuousClock.Instant) async throws { try await base.sleep(until: deadline) }

        func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
            count.withLock { $0 += 1 }
            return base.timer(after: duration, action)
        }
    }

    @Test("a part that is in memory may take as long as one may take")
    func stalledPart() async throws {
        let store = hanging(in: [.write])
        let object = try SampleObject(size: 1)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        try await expectTimeOut(after: .seconds(300)) {
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(object.bytes))
        }
    }

    @Test("a part that does not get on throws timedOut")
    func stalledWrite() async throws {
        let store = hanging(in: [.write])
        let object = try SampleObject(size: 1)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await requireStorageError(.timedOut, "write") {
                    try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: .arriving(object.bytes))
                }
            }
            for _ in 0..<4 {
                await clock.sleepers(1)
                clock.advance(by: .seconds(15))
            }
            try await group.waitForAll()
        }
        #expect(never.sleeperCount == 0)
    }

    @Test("a part is not given up while the store waits for the caller's bytes")
    func slowCaller() async throws {
        let store = hanging(in: [])
        let object = try SampleObject(size: 1_000)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let (bytes, send) = AsyncStream<ByteBuffer>.makeStream()
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let body = ByteStream(AskedStream(base: bytes, ask: ask))
        async let written = upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: body)
        var asks = asked.makeAsyncIterator()
        await asks.next()
        for _ in 0..<10 {
            await clock.sleepers(1)
            clock.advance(by: .seconds(60))
        }
        send.yield(object.bytes)
        send.finish()
        #expect(try await written == 1_000)
    }

    @Test("a body whose next bytes do not come throws timedOut, however slowly it is read")
    func stalledBody() async throws {
        let stalled = StalledStore(never: never)
        let store = TimeoutStore(stalled, limits: limits, clock: clock)
        let key = try SampleObject(size: 1).key
        let body = try await store.get(key, range: nil).body
        // A reader that takes its time is no reason to give up.
        clock.advance(by: .seconds(3_600))
        var iterator = body.makeAsyncIterator()
        #expect(try await iterator.next() == ByteBuffer(string: "first"))
        clock.advance(by: .seconds(3_600))
        try await expectTimeOut(after: .seconds(60)) { _ = try await body.collect(upTo: 10) }
        // The stream is over then.
        #expect(try await iterator.next() == nil)
    }

    /// Tells when it is asked for a chunk.
    private struct AskedStream: AsyncSequence, Sendable {
        let base: AsyncStream<ByteBuffer>
        let ask: AsyncStream<Void>.Continuation

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: AsyncStream<ByteBuffer>.AsyncIterator
            let ask: AsyncStream<Void>.Continuation

            mutating func next() async -> ByteBuffer? {
                ask.yield()
                return await base.next()
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), ask: ask) }
    }

    /// A store whose bodies stop after the first chunk.
    private struct StalledStore: StoreLayer {
        let base: any ObjectStore = MemoryStore()
        let never: ManualClock

        func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
            let metadata = ObjectMetadata(upstreamURL: "https://origin.example.org/", stored: Timestamp(milliseconds: 0))
            let info = ObjectInfo(key: key, size: 10, etag: "\"x\"", lastModified: Timestamp(milliseconds: 0), metadata: metadata)
            return ObjectContent(info: info, range: nil, body: ByteStream(Body(never: never)))
        }

        struct Body: AsyncSequence, Sendable {
            let never: ManualClock

            struct AsyncIterator: AsyncIteratorProtocol {
                let never: ManualClock
                var isFirst = true

                mutating func next() async throws -> ByteBuffer? {
                    if !isFirst { try await never.sleep(for: .seconds(1)) }
                    isFirst = false
                    return ByteBuffer(string: "first")
                }
            }

            func makeAsyncIterator() -> AsyncIterator { AsyncIterator(never: never) }
        }
    }
}
