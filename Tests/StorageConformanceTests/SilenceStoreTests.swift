import CoreMetrics
import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorStorage

@Suite("A silent store", .timeLimit(.minutes(1)))
struct SilenceStoreTests {
    private let clock = ManualClock()
    private let log = LogRecorder(.trace)
    private let hung = Journal<HookedStore.Call>()
    private let isSilent = Switch()

    private final class Switch: Sendable {
        private let state = Mutex(true)

        var isOn: Bool { state.withLock { $0 } }
        func turn(on: Bool) { state.withLock { $0 = on } }
    }

    /// - Parameter hangs: What does not answer, until it is cancelled, for as long as the store is silent.
    private func store(_ hangs: HookedStore.Call = .head) throws -> SilenceStore {
        let (hung, isSilent) = (hung, isSilent)
        let base = HookedStore { call in
            guard call == hangs, isSilent.isOn else { return }
            hung.note(call)
            try await Task.sleep(for: .seconds(3_600))
        }
        let pool = try requireValue(PoolID(service: "test", region: "silence"), "pool")
        return SilenceStore(base, pool: pool, patience: .seconds(2), clock: clock, logger: log.logger)
    }

    private func waitUntilHung(_ count: Int) async {
        while hung.entries.count < count, !Task.isCancelled { await Task.yield() }
    }

    private func key() throws -> ObjectKey { try SampleObject(size: 1).key }

    private func refused(_ store: any ObjectStore) async throws {
        try await requireStorageError(.unavailable, "head") { try await store.head(try key()) }
    }

    @Test("Once it has been silent for as long as clients bear, nobody waits for it; a call that is under way does no longer")
    func fallsSilent() async throws {
        let store = try store()
        let first = Task { try await store.head(try key()) }
        await waitUntilHung(1)
        clock.advance(by: .milliseconds(1_999))
        let second = Task { try await store.head(try key()) }
        await waitUntilHung(2)
        clock.advance(by: .milliseconds(1))
        try await refused(store)
        // One trial, whoever asks.
        await waitUntilHung(3)
        for _ in 0..<10 { try await refused(store) }
        #expect(hung.entries.count == 3)
        #expect(log.all.count { $0.contains("does not answer") } == 1)
        for task in [first, second] {
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
        }
        try await refused(store)
    }

    @Test("Trials come by themselves, a second apart, and are given up; the first that is answered lets everybody ask again")
    func comesBack() async throws {
        let store = try store()
        let first = Task { try await store.head(try key()) }
        await waitUntilHung(1)
        clock.advance(by: .seconds(2))
        try await refused(store)
        await waitUntilHung(2)
        await clock.sleepers(1)
        // The trial is over, in vain, and the next is to come.
        clock.advance(by: .seconds(2))
        await clock.sleepers(1)
        #expect(hung.entries.count == 2)
        clock.advance(by: .seconds(1))
        await waitUntilHung(3)
        await clock.sleepers(1)
        isSilent.turn(on: false)
        clock.advance(by: .seconds(2))
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        // Nobody asks.
        while !log.all.contains(where: { $0.contains("answers again") }), !Task.isCancelled { await Task.yield() }
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        #expect(hung.entries.count == 3)
        first.cancel()
        _ = await first.result
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
    }

    @Test("A store that answers something is not silent, however long some calls take; nor is one whose callers leave early")
    func isNotSilent() async throws {
        let store = try store()
        let slow = Task { try await store.head(try key()) }
        await waitUntilHung(1)
        clock.advance(by: .milliseconds(1_500))
        isSilent.turn(on: false)
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        clock.advance(by: .milliseconds(1_500))
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        slow.cancel()
        _ = await slow.result
        isSilent.turn(on: true)
        for number in 2...6 {
            let early = Task { try await store.head(try key()) }
            await waitUntilHung(number)
            clock.advance(by: .milliseconds(1_900))
            early.cancel()
            _ = await early.result
        }
        isSilent.turn(on: false)
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        #expect(log.all.isEmpty)
    }

    @Test("What hangs alone makes no store silent that answers whoever else asks, however seldom that is")
    func oneHangs() async throws {
        let store = try store()
        let hung = Task { try await store.head(try key()) }
        await waitUntilHung(1)
        isSilent.turn(on: false)
        for _ in 0..<3 {
            try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
            clock.advance(by: .seconds(60))
        }
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        hung.cancel()
        _ = await hung.result
        #expect(log.all.isEmpty)
    }

    @Test("A trial that cannot be cancelled is left, and the next one finds that the store answers")
    func trialHangs() async throws {
        let (hung, isSilent, gate) = (hung, isSilent, FakeGate())
        let base = HookedStore { call in
            guard call == .head, isSilent.isOn else { return }
            hung.note(call)
            // Nobody can cancel it.
            _ = await Task { try? await gate.wait() }.value
        }
        let pool = try requireValue(PoolID(service: "test", region: "silence"), "pool")
        let store = SilenceStore(base, pool: pool, patience: .seconds(2), clock: clock, logger: log.logger)
        let first = Task { try await store.head(try key()) }
        await waitUntilHung(1)
        clock.advance(by: .seconds(2))
        try await refused(store)
        await waitUntilHung(2)
        await clock.sleepers(1)
        clock.advance(by: .seconds(2))
        isSilent.turn(on: false)
        while !log.all.contains(where: { $0.contains("answers again") }), !Task.isCancelled {
            clock.advance(by: .seconds(1))
            _ = try? await store.head(try key())
            await Task.yield()
        }
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
        gate.open()
        _ = await first.result
    }

    @Test("Locations and heads are silent each by itself")
    func apart() async throws {
        let store = try store(.location)
        let key = try key()
        let first = Task { try await store.location(of: key, life: .seconds(1)) }
        await waitUntilHung(1)
        clock.advance(by: .seconds(2))
        try await requireStorageError(.unavailable, "location") { try await store.location(of: key, life: .seconds(1)) }
        try await requireStorageError(.notFound, "head") { try await store.head(key) }
        #expect(try await store.list(after: nil, limit: 1).isEmpty)
        first.cancel()
        _ = await first.result
    }

    @Test("Nothing is begun at a silent store, whose error nobody waits to try again; what is under way goes on")
    func sparesTheStore() async throws {
        let silent = try self.store()
        let store = RetryStore(silent, clock: clock)
        let object = try SampleObject(size: 10)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let first = Task { try await silent.head(object.key) }
        await waitUntilHung(1)
        clock.advance(by: .seconds(2))
        try await requireStorageError(.unavailable, "head") { try await store.head(object.key) }
        for call: @Sendable () async throws -> Void in [
            { _ = try await store.openFile(object.key) }, { _ = try await store.get(object.key, range: nil) },
            { _ = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil) },
            { _ = try await store.list(after: nil, limit: 1) }, { try await store.delete(object.key) },
            { _ = try await store.delete([object.key]) },
        ] { try await requireStorageError(.unavailable, "call", call) }
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 10), from: ByteStream(object.bytes))
        #expect(try await upload.complete(size: 10, sha256: object.sha256).size == 10)
        first.cancel()
        _ = await first.result
    }

    @Test("Files that do not open make a store silent, too", arguments: [HookedStore.Call.openFile, .get])
    func bodies(call: HookedStore.Call) async throws {
        let store = try store(call)
        let key = try key()
        let first = Task {
            if call == .get { _ = try await store.get(key, range: nil) } else { _ = try await store.openFile(key) }
        }
        await waitUntilHung(1)
        clock.advance(by: .seconds(2))
        try await refused(store)
        first.cancel()
        _ = await first.result
    }

    @Test("Calls that hang are counted, whoever has left them: beyond the limit others fail at once")
    func counts() async throws {
        let gate = FakeGate()
        let base = HookedStore { _ in
            // Nobody can cancel it.
            _ = await Task { try? await gate.wait() }.value
        }
        let pool = try requireValue(PoolID(service: "test", region: "silence"), "pool")
        let store = SilenceStore(base, pool: pool, patience: .seconds(60), maxCalls: 2, clock: clock, logger: log.logger)
        let hung = (0..<2).map { _ in Task { try await store.head(try key()) } }
        while gate.waitingCount < 2, !Task.isCancelled { await Task.yield() }
        for task in hung { task.cancel() }
        try await refused(store)
        gate.open()
        for task in hung { _ = await task.result }
        try await requireStorageError(.notFound, "head") { try await store.head(try key()) }
    }

    /// Pauses between attempts pass at once, time limits never.
    private struct PausesPass: MonotonicClock {
        let pause: Duration
        let clock: ManualClock

        var instant: ContinuousClock.Instant { clock.instant }

        func sleep(until deadline: ContinuousClock.Instant) async throws {
            guard instant.duration(to: deadline) == pause else { return try await clock.sleep(until: deadline) }
            clock.advance(by: pause)
        }
    }

    @Test("A store that answers each attempt with an error answers, whatever time lies between them")
    func errorsAreAnswers() async throws {
        let calls = hung
        let base = HookedStore { call in
            calls.note(call)
            throw StorageError(.unavailable, "slow down", operation: "test", retryAfter: .seconds(3))
        }
        let pool = try requireValue(PoolID(service: "test", region: "silence"), "pool")
        let store = StoreLayers(operations: 64, patience: .seconds(2)).around(
            base, pool: pool, clock: PausesPass(pause: .seconds(3), clock: clock), factory: NOOPMetricsHandler.instance, logger: log.logger)
        try await refused(store)
        #expect(calls.entries.count == 4)
        try await refused(store)
        #expect(calls.entries.count == 8)
        #expect(log.all.isEmpty)
    }

    @Test("A connection that does not come about is silence, one that is refused at once is an answer", arguments: [true, false])
    func connections(isSlow: Bool) async throws {
        let (clock, calls) = (clock, hung)
        let base = HookedStore { call in
            calls.note(call)
            if isSlow { try await clock.sleep(for: .seconds(10)) }
            throw StorageError(.unavailable, "no connection", operation: "test")
        }
        let pool = try requireValue(PoolID(service: "test", region: "silence"), "pool")
        let store = SilenceStore(base, pool: pool, patience: .seconds(2), clock: clock, logger: log.logger)
        let key = try key()
        for number in 0..<3 {
            let asked = Task { try await store.head(key) }
            if isSlow, number == 0 {
                await clock.sleepers(1)
                clock.advance(by: .seconds(10))
            }
            await #expect(throws: StorageError.self) { try await asked.value }
        }
        #expect(log.all.isEmpty == !isSlow)
    }
}
