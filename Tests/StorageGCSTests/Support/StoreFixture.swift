import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import StorageCloud
import TestServers

@testable import StorageGCS

/// A store whose service is a ``FakeOrigin`` that says what a test wants it to say.
struct StoreFixture: Sendable {
    static let bucket = "test-bucket"
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let origin: FakeOrigin
    let credentials: GivenCredentials
    let store: GCSStore

    static func run<Result>(
        credentials: GivenCredentials = GivenCredentials(), clock: any MirrorClock = HastyClock(),
        change: (inout GCSConfiguration) -> Void = { _ in }, isolation: isolated (any Actor)? = #isolation,
        _ body: (StoreFixture) async throws -> Result
    ) async throws -> Result {
        try await FakeOrigin.run { origin async throws in
            var configuration = GCSConfiguration(
                bucket: bucket, endpoint: GCSEndpoint(try ArtifactURL(origin.url("/"))), credentials: credentials)
            change(&configuration)
            let connection = Self.connection(clock: clock)
            let store = GCSStore(configuration: configuration, connection: connection)
            return try await ending {
                try await body(StoreFixture(origin: origin, credentials: credentials, store: store))
            } with: {
                await connection.http.shutdown()
            }
        }
    }

    /// Who makes one shuts its client down.
    static func connection(clock: any MirrorClock = HastyClock(), logger: Logger = StoreFixture.logger) -> GCSConnection {
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        return GCSConnection(http: http, clock: clock, logger: logger)
    }

    /// The store in all its layers.
    func layered() throws -> any ObjectStore {
        let pool = try requireValue(PoolID("gcs/test"), "pool")
        return StoreLayers(operations: 64, patience: .seconds(60)).around(store, pool: pool, clock: HastyClock())
    }

    /// Where an object is asked for.
    func path(_ object: SampleObject) -> String { "/\(Self.bucket)/\(PercentCoding.encode(path: object.key.description))" }

    // MARK: What the service says

    /// What it says of an object that it has, to HEAD and GET.
    static func held(_ object: SampleObject, etag: String = "\"held\"", generation: Int = 7) throws -> FakeBehavior {
        var metadata = object.metadata
        metadata.sha256 = try object.sha256
        let headers =
            MetadataFields.gcs.headers(MetadataFields.gcs.kept(metadata)) + [
                ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"), ("x-goog-generation", "\(generation)"),
                ("x-goog-hash", "crc32c=\(object.crc32c)"),
            ]
        return FakeBehavior.body(Array(object.bytes.readableBytesView), etag: etag).with { $0.headers = headers }
    }

    /// An error of the XML API.
    static func error(_ status: Int, _ code: String, headers: [(name: String, value: String)] = []) -> FakeBehavior {
        xml("<Error><Code>\(code)</Code><Message>A message.</Message></Error>", status: status).with { $0.headers += headers }
    }

    static func xml(_ text: String, status: Int = 200) -> FakeBehavior {
        .status(status, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(text)")
    }

    /// An error of the JSON API.
    static func jsonError(_ status: Int, _ reason: String) -> FakeBehavior {
        .status(status, #"{"error": {"code": \#(status), "message": "A message.", "errors": [{"reason": "\#(reason)"}]}}"#)
    }
}

extension SampleObject {
    /// In base64.
    var crc32c: String { ObjectHashes([bytes]).crc32c ?? "" }
}

extension FakeOrigin.Request {
    /// Without the question mark.
    var query: String { String(uri.drop { $0 != "?" }.dropFirst()) }

    /// The decoded value of an item of the query; `nil` where there is none.
    func item(_ name: String) -> String? {
        query.split(separator: "&").first { $0.hasPrefix("\(name)=") }.flatMap { PercentCoding.decode($0.dropFirst(name.utf8.count + 1)) }
    }

    /// The token that the request carries.
    var token: String? { header("authorization").map { String($0.dropFirst("Bearer ".count)) } }
}
