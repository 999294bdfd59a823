import CoreMetrics
import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageLocal
import Testing

@Suite("A layer forwards every requirement")
struct LayerForwardingTests {
    enum Layer: String, CaseIterable, Sendable {
        case retry, timeout, limit, telemetry, silence, all

        func around(_ base: any ObjectStore) throws -> any ObjectStore {
            let pool = try requireValue(PoolID(service: "test", region: "layers"), "pool")
            return switch self {
            case .retry: RetryStore(base)
            case .timeout: TimeoutStore(base)
            case .limit: LimitStore(base, operations: 1)
            case .telemetry: TelemetryStore(base, pool: pool, factory: NOOPMetricsHandler.instance)
            case .silence:
                SilenceStore(base, pool: pool, patience: .seconds(60), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            case .all: StoreLayers(operations: 1, patience: .seconds(60)).around(base, pool: pool, factory: NOOPMetricsHandler.instance)
            }
        }
    }

    @Test("every call reaches the store, with its arguments and its result", arguments: Layer.allCases)
    func forwards(_ layer: Layer) async throws {
        try await withLocalStore { local, _ in
            let journal = Journal<HookedStore.Call>()
            let store = try layer.around(HookedStore(local) { journal.note($0) })
            let (object, aborted) = (try SampleObject(size: 1_000), try SampleObject(size: 10))
            let range = try #require(ByteRange(offset: 3, length: 5))

            #expect(store.capabilities == local.capabilities)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            #expect(try await upload.read(range).collect(upTo: 10) == object.slice(3, 5))
            let info = try await upload.complete(size: object.size, sha256: object.sha256)
            let other = try await store.beginUpload(aborted.key, metadata: aborted.metadata, expectedSize: nil)
            await other.abort()
            #expect(try await store.head(object.key) == info)
            let content = try await store.get(object.key, range: range)
            #expect(content.range == range)
            #expect(try await content.body.collect(upTo: 10) == object.slice(3, 5))
            #expect(try await store.openFile(object.key).info == info)
            #expect(try await store.list(after: nil, limit: 2) == [info])
            let copied = CopySource(service: "s", endpoint: "https://s.example", region: "r", bucket: "b", key: "k", size: 1)
            try await requireStorageError(.unsupported, "copy") {
                try await store.copy(object.key, from: copied, metadata: object.metadata, condition: .none)
            }
            let confirmations = Journal<Bool>()
            let pulled = URLSource(url: try ArtifactURL("https://s.example/k"), isPublic: true, size: 1, etag: "\"e\"")
            try await requireStorageError(.unsupported, "pull") {
                try await store.pull(object.key, from: pulled, metadata: object.metadata, condition: .none) { confirmations.note(true) }
            }
            #expect(confirmations.entries == [true])
            let direct = try await local.location(of: object.key, life: .seconds(1))
            #expect(try await store.location(of: object.key, life: .seconds(1)) == direct)
            try await store.checkHealth()
            #expect(try #require(try await store.space()).free > 0)
            try await store.delete(object.key)
            await #expect(throws: StorageError.self) { try await local.head(object.key) }

            #expect(Set(journal.entries) == Set(HookedStore.Call.allCases))
            // Twice, because there were two uploads: nothing else was called more than once.
            #expect(journal.entries.count == HookedStore.Call.allCases.count + 1)
        }
    }

    /// Says of copies what a test can tell from a default.
    private struct CopiedStore: StoreLayer {
        let base: any ObjectStore = MemoryStore()

        func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? {
            CopySource(service: "s", endpoint: "https://s.example", region: "r", bucket: "b", key: "\(key)", size: size, etag: etag)
        }

        func canCopy(from source: CopySource) -> Bool { source.bucket == "b" }
    }

    @Test("what a store says of copies without a call comes through", arguments: Layer.allCases)
    func forwardsSources(_ layer: Layer) throws {
        let store = try layer.around(CopiedStore())
        let key = try SampleObject(size: 1).key
        var source = try #require(store.copySource(of: key, size: 3, etag: "\"e\""))
        #expect(source == CopiedStore().copySource(of: key, size: 3, etag: "\"e\""))
        #expect(store.canCopy(from: source))
        source.bucket = "c"
        #expect(!store.canCopy(from: source))
    }

    @Test("an error of any call comes through as it is", arguments: Layer.allCases)
    func forwardsErrors(_ layer: Layer) async throws {
        let store = try layer.around(HookedStore { _ in throw StorageError(.permissionDenied, "no", operation: "test") })
        let object = try SampleObject(size: 10)
        func denied<Result>(_ what: String, _ call: () async throws -> Result) async throws {
            try await requireStorageError(.permissionDenied, what, call)
        }
        try await denied("head") { try await store.head(object.key) }
        try await denied("get") { try await store.get(object.key, range: nil) }
        try await denied("openFile") { try await store.openFile(object.key) }
        try await denied("beginUpload") { try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil) }
        let copied = CopySource(service: "s", endpoint: "https://s.example", region: "r", bucket: "b", key: "k", size: 1)
        try await denied("copy") { try await store.copy(object.key, from: copied, metadata: object.metadata, condition: .none) }
        let pulled = URLSource(url: try ArtifactURL("https://s.example/k"), isPublic: true, size: 1, etag: "\"e\"")
        try await denied("pull") { try await store.pull(object.key, from: pulled, metadata: object.metadata, condition: .none) {} }
        try await denied("delete") { try await store.delete(object.key) }
        try await denied("list") { try await store.list(after: nil, limit: 1) }
        try await denied("location") { try await store.location(of: object.key, life: .seconds(1)) }
        try await denied("checkHealth") { try await store.checkHealth() }
        try await denied("space") { try await store.space() }
    }
}
