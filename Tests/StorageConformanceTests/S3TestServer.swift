import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1
import NIOPosix
import StorageCloud
import Testing

@testable import StorageS3

/// An S3 server that `scripts/test-servers.sh` starts, which checks signatures.
struct S3TestServer: Sendable {
    let endpoint: S3Endpoint
    let credentials: S3Credentials
    var http = Self.sharedHTTP

    /// `nil` when there is none: with `CI` set that is a failure, and elsewhere the tests that need it are skipped and say so.
    static let shared: S3TestServer? = {
        let environment = ProcessInfo.processInfo.environment
        guard let url = environment["CLOUD_MIRROR_TEST_S3_ENDPOINT"], let accessKey = environment["CLOUD_MIRROR_TEST_S3_ACCESS_KEY"],
            let secretKey = environment["CLOUD_MIRROR_TEST_S3_SECRET_KEY"],
            let endpoint = (try? ArtifactURL(url)).map({ S3Endpoint(url: $0, region: "us-east-1", addressing: .path) })
        else { return nil }
        return S3TestServer(endpoint: endpoint, credentials: S3Credentials(accessKeyID: accessKey, secretAccessKey: secretKey))
    }()

    /// The same over TLS, where somebody has set one up: `CLOUD_MIRROR_TEST_S3_TLS_ENDPOINT`, and its certificate in `CLOUD_MIRROR_TEST_S3_TLS_CA`.
    static let overTLS: S3TestServer? = {
        guard let shared, let url = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_S3_TLS_ENDPOINT"],
            let endpoint = (try? ArtifactURL(url)).map({ S3Endpoint(url: $0, region: "us-east-1", addressing: .path) })
        else { return nil }
        let environment = ProcessInfo.processInfo.environment
        let credentials = S3Credentials(
            accessKeyID: environment["CLOUD_MIRROR_TEST_S3_TLS_ACCESS_KEY"] ?? shared.credentials.accessKeyID,
            secretAccessKey: environment["CLOUD_MIRROR_TEST_S3_TLS_SECRET_KEY"] ?? shared.credentials.secretAccessKey)
        return S3TestServer(endpoint: endpoint, credentials: credentials)
    }()

    /// OpenStack Swift, which refuses conditions and checksums.
    static let openStack = openStack("CLOUD_MIRROR_TEST_OPENSTACK_ENDPOINT", http: sharedHTTP)

    static let openStackOverTLS: S3TestServer? = {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/test")
        configuration.certificateAuthorities = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_OPENSTACK_CA"]
        let http = ServiceClient(configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        return openStack("CLOUD_MIRROR_TEST_OPENSTACK_TLS_ENDPOINT", http: http)
    }()

    private static func openStack(_ variable: String, http: ServiceClient) -> S3TestServer? {
        let environment = ProcessInfo.processInfo.environment
        guard let url = environment[variable], let accessKey = environment["CLOUD_MIRROR_TEST_OPENSTACK_ACCESS_KEY"],
            let secretKey = environment["CLOUD_MIRROR_TEST_OPENSTACK_SECRET_KEY"],
            let endpoint = (try? ArtifactURL(url)).map({ S3Endpoint(url: $0, region: "us-east-1", addressing: .path) })
        else { return nil }
        return S3TestServer(
            endpoint: endpoint, credentials: S3Credentials(accessKeyID: accessKey, secretAccessKey: secretKey), http: http)
    }

    /// Whether tests of the server run: where it is missed they run too, and fail.
    static var isExpected: Bool { shared != nil || ProcessInfo.processInfo.environment["CI"] == "true" }

    static func required() throws -> S3TestServer {
        try #require(shared, "CLOUD_MIRROR_TEST_S3_ENDPOINT is not set; run these tests with `make test`, which sets it")
    }

    static func openStackRequired(overTLS isOverTLS: Bool = false) throws -> S3TestServer {
        try #require(
            isOverTLS ? openStackOverTLS : openStack,
            "CLOUD_MIRROR_TEST_OPENSTACK_ENDPOINT is not set; run these tests with `make test`, which sets it")
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static let configuration: OutboundConfiguration = {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/test")
        configuration.certificateAuthorities = ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_S3_TLS_CA"]
        return configuration
    }()

    /// For all tests: connections end with the process.
    static let sharedHTTP = ServiceClient(
        configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: logger)

    /// Buckets, one for each name, made when first asked for; they go with the server.
    private static let buckets = Buckets()

    private actor Buckets {
        private var made: [String: Task<String, any Error>] = [:]

        func bucket(_ name: String, on server: S3TestServer) async throws -> String {
            let name = "\(name)-\(server.endpoint.port)"
            if let task = made[name] { return try await task.value }
            let task = Task {
                let bucket = "\(name)-\(UInt32.random(in: 1...UInt32.max))"
                let client = S3Client(
                    bucket: bucket, endpoint: server.endpoint, credentials: StaticCredentials(server.credentials), http: server.http,
                    logger: logger)
                _ = try await client.send(.createBucket(in: server.endpoint))
                return bucket
            }
            made[name] = task
            return try await task.value
        }
    }

    /// A store over a bucket of this name and a random number.
    ///
    /// - Parameter name: The same name is the same bucket.
    func store(_ name: String, change: (inout S3Configuration) -> Void = { _ in }) async throws -> S3Store {
        var configuration = S3Configuration(
            bucket: try await Self.buckets.bucket(name, on: self), endpoint: endpoint, credentials: StaticCredentials(credentials))
        change(&configuration)
        return S3Store(configuration: configuration, http: http, logger: Self.logger)
    }
}
