import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOPosix
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageS3

/// A bucket name of its own on an S3 server that `make test` starts.
struct SetupServer: Sendable {
    let bucket: String
    let endpoint: S3Endpoint
    let credentials: S3Credentials
    let http: ServiceClient

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    enum Kind: String, Sendable {
        case seaweedFS = "S3"
        /// Knows neither policies nor conditions.
        case openStack = "OPENSTACK"
    }

    static func run(_ kind: Kind = .seaweedFS, _ body: (SetupServer) async throws -> Void) async throws {
        let environment = ProcessInfo.processInfo.environment
        func value(_ name: String) throws -> String {
            try #require(environment[name], "\(name) is not set; run these tests with `make test`, which sets it")
        }
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let server = SetupServer(
            bucket: "setup-\(RandomBytes.hex(6))",
            endpoint: S3Endpoint(url: try ArtifactURL(try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_ENDPOINT")), region: "us-east-1"),
            credentials: S3Credentials(
                accessKeyID: try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_ACCESS_KEY"),
                secretAccessKey: try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_SECRET_KEY")),
            http: http)
        do {
            try await body(server)
        } catch {
            await http.shutdown()
            throw error
        }
        await http.shutdown()
    }

    func configuration(_ access: BucketAccess = .public, prefix: String = "", secret: String? = nil) -> S3Configuration {
        let credentials = S3Credentials(accessKeyID: credentials.accessKeyID, secretAccessKey: secret ?? credentials.secretAccessKey)
        return S3Configuration(
            bucket: bucket, endpoint: endpoint, reading: BucketReading(access: access, keyPrefix: prefix),
            credentials: StaticCredentials(credentials))
    }

    func setup(_ configuration: S3Configuration, retention: Duration = .seconds(86_400)) -> S3PoolSetup {
        S3PoolSetup(configuration: configuration, retention: retention, http: http, logger: Self.logger)
    }

    /// Does all that a pool wants of its bucket.
    func apply(_ configuration: S3Configuration) async throws -> [String] {
        let setup = setup(configuration)
        var failures: [String] = []
        try await setup.apply(try await setup.plan()) { line, outcome in
            if case .failed(let reason) = outcome { failures.append("\(line.text): \(reason)") }
        }
        return failures
    }

    func check(_ configuration: S3Configuration, retention: Duration = .seconds(86_400)) async throws -> (
        isFine: Bool, lines: [SetupLine]
    ) {
        let check = S3PoolCheck(setup: setup(configuration, retention: retention), credentialsSource: "of the test")
        var lines: [SetupLine] = []
        let isFine = try await check.run { lines.append($0) }
        return (isFine, lines)
    }

    var client: S3Client { setup(configuration()).client }

    func put(_ key: String, _ text: String) async throws {
        _ = try await client.send(S3Call("put", .PUT, key: key, body: .bytes([ByteBuffer(string: text)])))
    }

    /// The status that somebody without credentials gets.
    func plainStatus(_ key: String) async throws -> Int {
        let url = try ArtifactURL(client.url(ofKey: key))
        return try await http.collect(
            ServiceRequest(scheme: url.scheme, host: url.host, port: url.port, target: url.path), upTo: 1 << 20
        ).status
    }
}
