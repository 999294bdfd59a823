import CoreMetrics
import MirrorCore
import MirrorStorage
import MirrorTesting
import Synchronization
import Testing

@Suite("The telemetry layer")
struct TelemetryStoreTests {
    private let metrics = RecordedMetrics()

    private func around(_ base: any ObjectStore) throws -> TelemetryStore {
        TelemetryStore(base, pool: try #require(PoolID(service: "local", region: "dev")), factory: metrics)
    }

    @Test("times every operation under its pool and name")
    func times() async throws {
        let store = try around(MemoryStore())
        let object = try SampleObject(size: 10)
        try await object.put(into: store)
        _ = try await store.head(object.key)
        _ = try await store.head(object.key)
        #expect(metrics.values("cloud_mirror_store_operation_seconds", ["pool": "local/dev", "operation": "head"]).count == 2)
        for operation in ["begin_upload", "write", "complete"] {
            #expect(
                metrics.values("cloud_mirror_store_operation_seconds", ["pool": "local/dev", "operation": operation]).count == 1,
                "\(operation)")
        }
        #expect(metrics.values("cloud_mirror_store_operation_seconds", ["pool": "local/dev", "operation": "head"]).allSatisfy { $0 > 0 })
        #expect(!metrics.labels.contains("cloud_mirror_store_errors_total"))
    }

    @Test("counts errors under their code, and times those calls too")
    func errors() async throws {
        let store = try around(MemoryStore())
        let key = try SampleObject(size: 1).key
        for _ in 0..<3 { try await requireStorageError(.notFound, "head") { try await store.head(key) } }
        #expect(
            metrics.values("cloud_mirror_store_errors_total", ["pool": "local/dev", "operation": "head", "code": "notFound"]) == [1, 1, 1])
        #expect(metrics.values("cloud_mirror_store_operation_seconds", ["pool": "local/dev", "operation": "head"]).count == 3)
    }

    @Test("makes each metric once, not at each call")
    func once() async throws {
        let store = try around(MemoryStore())
        let key = try SampleObject(size: 1).key
        let atFirst = metrics.labels.count
        for _ in 0..<5 { try await requireStorageError(.notFound, "get") { try await store.get(key, range: nil) } }
        #expect(metrics.labels.count == atFirst + 1)
    }

    @Test("does not count what the origin's stream threw, nor cancellation")
    func othersErrors() async throws {
        let store = try around(HookedStore { if $0 == .list { throw CancellationError() } })
        let object = try SampleObject(size: 10)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let broken = ByteStream(chunks: [object.bytes], failure: BrokenStream())
        await #expect(throws: BrokenStream.self) { try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: broken) }
        await #expect(throws: CancellationError.self) { try await store.list(after: nil, limit: 1) }
        #expect(!metrics.labels.contains("cloud_mirror_store_errors_total"))
        #expect(metrics.values("cloud_mirror_store_operation_seconds", ["pool": "local/dev", "operation": "list"]).count == 1)
    }
}

/// Keeps what metrics record.
private final class RecordedMetrics: MetricsFactory {
    private struct State {
        var labels: [String] = []
        var values: [String: [[String: String]: [Int64]]] = [:]
    }

    private let state = Mutex(State())

    /// Of every metric that was made.
    var labels: [String] { state.withLock { $0.labels } }

    func values(_ label: String, _ dimensions: [String: String]) -> [Int64] {
        state.withLock { $0.values[label]?[dimensions] ?? [] }
    }

    private func make(_ label: String, _ dimensions: [(String, String)]) -> Handler {
        state.withLock { $0.labels.append(label) }
        let dimensions = Dictionary(uniqueKeysWithValues: dimensions)
        return Handler { [weak self] value in
            self?.state.withLock { $0.values[label, default: [:]][dimensions, default: []].append(value) }
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { make(label, dimensions) }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { make(label, dimensions) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler { make(label, dimensions) }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private final class Handler: CounterHandler, TimerHandler, RecorderHandler {
        private let note: @Sendable (Int64) -> Void

        init(_ note: @escaping @Sendable (Int64) -> Void) {
            self.note = note
        }

        func increment(by amount: Int64) { note(amount) }
        func reset() {}
        func recordNanoseconds(_ duration: Int64) { note(duration) }
        func record(_ value: Int64) { note(value) }
        func record(_ value: Double) { note(Int64(value)) }
    }
}
