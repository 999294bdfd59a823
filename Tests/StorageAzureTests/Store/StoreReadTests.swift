import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("What is read must be what was asked for", .timeLimit(.minutes(5)))
struct StoreReadTests {
    /// A store whose service sends what no good one does.
    private func run(_ body: @Sendable (FakeOrigin, AzureStore, SampleObject, String) async throws -> Void) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            try await FakeOrigin.run { origin async throws in
                let url = try ArtifactURL(origin.url("/testaccount"))
                let endpoint = try #require(AzureEndpoint(url, account: StoreFixture.account))
                let configuration = AzureConfiguration(
                    container: StoreFixture.container, endpoint: endpoint, credentials: GivenCredentials())
                let store = AzureStore(configuration: configuration, http: http, clock: HastyClock(), logger: logger)
                let object = try SampleObject(size: 100_000)
                try await body(origin, store, object, "/testaccount/test-container/\(object.key)")
            }
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }

    private func body(_ object: SampleObject) -> FakeBehavior {
        FakeBehavior.body(Array(object.bytes.readableBytesView)).with { $0.acceptsRanges = false }
    }

    @Test("A server that knows no ranges is read as far as was asked; one that sends another range is refused")
    func ranges() async throws {
        try await run { origin, store, object, path async throws in
            let other = FakeBehavior.body([1, 2]).with {
                $0.status = 206
                $0.headers = [("Content-Range", "bytes 0-1/100000")]
            }
            origin.on(path, body(object), body(object), other)
            let content = try await store.get(object.key, range: ByteRange(offset: 70_000, length: 40_000))
            #expect(content.range == ByteRange(offset: 70_000, length: 30_000))
            #expect(try await content.body.collect(upTo: 1 << 20) == object.slice(70_000, 30_000))
            #expect(origin.requests.first?.header("x-ms-range") == "bytes=70000-109999")
            #expect(origin.requests.first?.header("range") == nil)
            let beyond = ByteRange(offset: 100_000, length: 1)
            try await requireStorageError(.invalidRequest, "get") { try await store.get(object.key, range: beyond) }
            let another = ByteRange(offset: 5, length: 2)
            try await requireStorageError(.unavailable, "get") { try await store.get(object.key, range: another) }
        }
    }

    @Test("A part that calls itself the whole is refused, asked for or not")
    func contradictions() async throws {
        try await run { origin, store, object, path async throws in
            let part = body(object).with { $0.headers = [("Content-Range", "bytes 0-999/100000")] }
            origin.on(path, part)
            try await requireStorageError(.unavailable, "the whole") { try await store.get(object.key, range: nil) }
            let range = ByteRange(offset: 0, length: 1_000)
            try await requireStorageError(.unavailable, "a range") { try await store.get(object.key, range: range) }
            origin.on(path, part.with { $0.status = 206 })
            try await requireStorageError(.unavailable, "the whole") { try await store.get(object.key, range: nil) }
        }
    }

    @Test("A body that breaks in the middle fails, and so does one that is not what its MD5 says")
    func brokenBodies() async throws {
        try await run { origin, store, object, path async throws in
            origin.on(
                path, body(object).with { $0.truncateAfter = 50_000 },
                body(object).with { $0.headers = [("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")] })
            let broken = try await store.get(object.key, range: nil)
            try await requireStorageError(.unavailable, "broken") { try await broken.body.collect(upTo: 1 << 20) }
            let wrong = try await store.get(object.key, range: nil)
            try await requireStorageError(.checksumMismatch, "wrong") { try await wrong.body.collect(upTo: 1 << 20) }
        }
    }

    @Test("A service that does not say how long an object is, or answers with no sense, is told")
    func nonsense() async throws {
        try await run { origin, store, object, path async throws in
            origin.on(path, body(object).with { $0.framing = .chunked })
            try await requireStorageError(.unavailable, "head") { try await store.head(object.key) }
            try await requireStorageError(.unavailable, "get") { try await store.get(object.key, range: nil) }
        }
    }
}
