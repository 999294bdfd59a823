import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOPosix
import StorageCloud
import Synchronization
import TestServers

@testable import StorageAzure

/// A store whose service is a ``FakeBlobs``, unless a test says something else about a request.
struct StoreFixture: Sendable {
    static let account = "testaccount"
    static let container = "test-container"
    /// What the service answers in place of the fake; `nil` leaves it to that.
    typealias Script = @Sendable (BlobRequest) throws -> ScriptedServer.Answer?

    let server: ScriptedServer
    let blobs: FakeBlobs
    let credentials: GivenCredentials
    let store: AzureStore

    /// What to do with the store beside opening it.
    struct Setup: Sendable {
        var credentials = GivenCredentials()
        var clock: any MirrorClock = HastyClock()
        var blobs = FakeBlobs()
        var access = BucketAccess.public
        var keyPrefix = ""
        var publicURL: ArtifactURL?
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var change: @Sendable (inout AzureConfiguration) -> Void = { _ in }
    }

    static func run<Result: Sendable>(
        _ setup: Setup = Setup(), script: @escaping Script = { _ in nil }, _ body: @escaping @Sendable (StoreFixture) async throws -> Result
    ) async throws -> Result {
        let answer: ScriptedServer.Script = { request in
            let request = BlobRequest(request)
            return try script(request) ?? setup.blobs.answer(request)
        }
        let logger = setup.logger
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            let result = try await ScriptedServer.run(answer) { server in
                let endpoint = try endpoint(at: server)
                var configuration = AzureConfiguration(
                    container: container, endpoint: endpoint,
                    reading: BucketReading(access: setup.access, publicURL: setup.publicURL, keyPrefix: setup.keyPrefix),
                    credentials: setup.credentials,
                    delegation: AzureDelegationKeys(
                        endpoint: endpoint, credentials: setup.credentials, http: http, clock: setup.clock, logger: logger))
                setup.change(&configuration)
                let store = AzureStore(configuration: configuration, http: http, clock: setup.clock, logger: logger)
                let result = try await body(
                    StoreFixture(server: server, blobs: setup.blobs, credentials: setup.credentials, store: store))
                await configuration.delegation?.shutdown()
                return result
            }
            await http.shutdown()
            return result
        } catch {
            await http.shutdown()
            throw error
        }
    }

    /// With the account in the path, as emulators have it.
    static func endpoint(at server: ScriptedServer) throws -> AzureEndpoint {
        guard let endpoint = AzureEndpoint(try ArtifactURL("\(server.url)/\(account)"), account: account) else { throw CancellationError() }
        return endpoint
    }

    var requests: [BlobRequest] { server.requests.map { BlobRequest($0) } }

    var kinds: [BlobRequest.Kind] { requests.map(\.kind) }

    func count(_ kind: BlobRequest.Kind) -> Int { kinds.count { $0 == kind } }

    /// An object of another container that the service can copy.
    func source(_ key: String = "k", size: Int64, etag: String? = nil) -> CopySource {
        CopySource(
            service: "azure", endpoint: store.client.endpoint.url, region: Self.account, bucket: "other", key: key, size: size, etag: etag)
    }

    /// Where the service finds ``source(_:size:etag:)``, without a signature.
    static func place(of key: String = "k", on server: ScriptedServer) -> String { "\(server.url)/\(account)/other/\(key)" }
}

/// Credentials in their order: each time that some are refused, the next ones are given.
final class GivenCredentials: CredentialsProvider {
    private let sets: [AzureCredentials?]
    private let index = Mutex(0)

    /// "the first key"
    static let key = "dGhlIGZpcnN0IGtleQ=="

    init(_ sets: [AzureCredentials?] = [SharedKey(account: StoreFixture.account, base64: key).map { AzureCredentials(key: $0) }]) {
        self.sets = sets
    }

    /// Tokens one after the other.
    static func tokens(_ texts: String...) -> GivenCredentials {
        let end = Timestamp(milliseconds: 4_000_000_000_000)
        return GivenCredentials(texts.map { AzureCredentials(token: $0, of: "application", expires: end) })
    }

    static func signature(_ query: String) -> GivenCredentials {
        GivenCredentials([AzureSASToken(query).map { AzureCredentials(signature: $0) }])
    }

    var invalidations: Int { index.withLock { $0 } }

    func credentials() async throws -> AzureCredentials? {
        let index = index.withLock { $0 }
        return sets[min(index, sets.count - 1)]
    }

    func invalidate(_ refused: AzureCredentials) {
        index.withLock { $0 += 1 }
    }
}

/// Counts, from 1.
final class Turns: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
