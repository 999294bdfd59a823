import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1
import NIOPosix
import StorageCloud
import Testing

@testable import StorageGCS

/// A server that refuses what Cloud Storage refuses, and that `scripts/test-servers.sh` starts.
struct GCSTestServer: Sendable {
    let endpoint: GCSEndpoint
    /// Of a service account that may do everything.
    let credentials: any CredentialsProvider<GCSCredentials>
    let project: String

    /// `nil` when there is none: with `CI` set that is a failure, and elsewhere the tests that need it are skipped and say so.
    static let shared = server("CLOUD_MIRROR_TEST_GCS_ENDPOINT")

    /// The same over TLS, where somebody has set one up; its certificate is in `CLOUD_MIRROR_TEST_GCS_CA`.
    static let overTLS = server("CLOUD_MIRROR_TEST_GCS_TLS_ENDPOINT")

    private static func server(_ variable: String) -> GCSTestServer? {
        let environment = ProcessInfo.processInfo.environment
        guard let text = environment[variable], let url = try? ArtifactURL(text),
            let file = environment["CLOUD_MIRROR_TEST_GCS_CREDENTIALS"], case .bytes(let bytes) = CredentialFiles.system.read(file)
        else { return nil }
        // The key's tokens come from the server without TLS, which is the endpoint that the chain trusts.
        let issuer = environment["CLOUD_MIRROR_TEST_GCS_ENDPOINT"].flatMap { try? ArtifactURL($0) } ?? url
        let credentials = GCSCredentialsChain.standard(
            client: connection.http, endpoint: GCSEndpoint(issuer), file: file, clockOffset: connection.clockOffset, logger: logger)
        return GCSTestServer(
            endpoint: GCSEndpoint(url), credentials: credentials,
            project: JSONValue(parsing: bytes)?["project_id"]?.string ?? "")
    }

    /// An HMAC key of the same account.
    static let keys: GCSCredentials? = {
        let environment = ProcessInfo.processInfo.environment
        guard let id = environment["CLOUD_MIRROR_TEST_GCS_HMAC_ACCESS_KEY"],
            let secret = environment["CLOUD_MIRROR_TEST_GCS_HMAC_SECRET_KEY"]
        else { return nil }
        return GCSCredentials(keys: GCSKeys(accessID: id, secret: secret))
    }()

    /// Whether tests of the server run: where it is missed they run too, and fail.
    static var isExpected: Bool { shared != nil || ProcessInfo.processInfo.environment["CI"] == "true" }

    static func required() throws -> GCSTestServer {
        try #require(
            shared,
            "CLOUD_MIRROR_TEST_GCS_ENDPOINT or …_CREDENTIALS is not set; run these tests with `make test`, which sets them")
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// For all tests: its connections end with the process.
    static let connection: GCSConnection = {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/test")
        configuration.certificateAuthorities = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_GCS_CA"]
        let http = ServiceClient(configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        return GCSConnection(http: http, logger: logger)
    }()

    /// Buckets, one for each name, made when first asked for; they go with the server.
    private static let buckets = Buckets()

    private actor Buckets {
        private var made: [String: Task<String, any Error>] = [:]

        func bucket(_ name: String, on server: GCSTestServer) async throws -> String {
            let name = "\(name)-\(server.endpoint.port)"
            if let task = made[name] { return try await task.value }
            let task = Task {
                let bucket = GCSTestServer.newName(name)
                try await server.createBucket(bucket)
                return bucket
            }
            made[name] = task
            return try await task.value
        }
    }

    /// A bucket's name that nobody has.
    static func newName(_ name: String) -> String { "\(name)-\(UInt32.random(in: 1...UInt32.max))" }

    private func createBucket(_ bucket: String) async throws {
        let client = GCSClient(bucket: bucket, endpoint: endpoint, credentials: credentials, connection: Self.connection)
        let resource: [String: JSONValue] = [
            "name": .string(bucket), "location": .string("us-central1"),
            "iamConfiguration": GCSBucket.accessControl(preventsPublicAccess: false),
        ]
        _ = try await client.object(.json("createBucket", .POST, ["b"], query: [("project", project)], body: .object(resource)))
    }

    /// A store over a bucket of this name and a random number.
    ///
    /// - Parameter name: The same name is the same bucket.
    func store(_ name: String, change: (inout GCSConfiguration) -> Void = { _ in }) async throws -> GCSStore {
        var configuration = GCSConfiguration(
            bucket: try await Self.buckets.bucket(name, on: self), endpoint: endpoint, credentials: credentials)
        change(&configuration)
        return GCSStore(configuration: configuration, connection: Self.connection)
    }
}
