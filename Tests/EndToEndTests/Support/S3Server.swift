import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import NIOPosix
import StorageCloud
import Testing

@testable import StorageS3

/// An S3 server that `scripts/test-servers.sh` starts, which checks signatures; its buckets play regions.
struct S3Server: Sendable {
    let url: String
    let accessKey: String
    let secretKey: String

    /// Whether tests of the server run: where it is missed they run too, and fail.
    static var isExpected: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment["CLOUD_MIRROR_TEST_S3_ENDPOINT"] != nil || environment["CI"] == "true"
    }

    /// Which of the servers: OpenStack Swift refuses conditions and checksums.
    enum Kind: String, Sendable {
        case seaweedFS = "S3"
        case openStack = "OPENSTACK"
    }

    init(_ kind: Kind = .seaweedFS) throws {
        let environment = ProcessInfo.processInfo.environment
        func value(_ name: String) throws -> String {
            try #require(environment[name], "\(name) is not set; run these tests with `make test`, which sets it")
        }
        url = try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_ENDPOINT")
        accessKey = try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_ACCESS_KEY")
        secretKey = try value("CLOUD_MIRROR_TEST_\(kind.rawValue)_SECRET_KEY")
    }

    var port: Int {
        get throws { try #require(url.split(separator: ":").last.flatMap { Int($0) }) }
    }

    /// A name that no other test uses.
    static func name(_ what: String) -> String { "\(what)-\(UInt32.random(in: 1...UInt32.max))" }

    /// A new bucket.
    func makeBucket(_ what: String) async throws -> String {
        let name = Self.name(what)
        let client = try client(name)
        _ = try await client.send(.createBucket(in: client.endpoint))
        return name
    }

    func put(_ bytes: [UInt8], _ key: String, in bucket: String, type: String = "application/octet-stream") async throws {
        try await put(bytes, key, in: bucket, fields: [("content-type", type)])
    }

    /// - Parameter fields: Names in lower case.
    func put(_ bytes: [UInt8], _ key: String, in bucket: String, fields: [(name: String, value: String)]) async throws {
        _ = try await client(bucket).send(S3Call("put", .PUT, key: key, headers: fields, body: .bytes([ByteBuffer(bytes: bytes)])))
    }

    func delete(_ key: String, in bucket: String) async throws {
        _ = try await client(bucket).send(S3Call("delete", .DELETE, key: key))
    }

    /// The status of a HEAD with credentials.
    func status(_ key: String, in bucket: String) async throws -> Int {
        try await client(bucket).answer(to: S3Call("head", .HEAD, key: key)).status
    }

    /// What a bucket is called in a configuration, as a flow mapping.
    func settings(_ bucket: String, secretKey: String? = nil, through line: TCPProxy? = nil, _ more: String = "") -> String {
        let endpoint = line.map { "http://127.0.0.1:\($0.port)" } ?? url
        return """
            {bucket: \(bucket), endpoint: "\(endpoint)", addressing: path, \
            credentials: {accessKeyID: "\(accessKey)", secretAccessKey: "\(secretKey ?? self.secretKey)"}\(more)}
            """
    }

    private func client(_ bucket: String) throws -> S3Client {
        S3Client(
            bucket: bucket, endpoint: S3Endpoint(url: try ArtifactURL(url), region: "us-east-1", addressing: .path),
            credentials: StaticCredentials(S3Credentials(accessKeyID: accessKey, secretAccessKey: secretKey)), http: Self.http,
            logger: Self.logger)
    }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    /// Of the whole process, so it is never shut down.
    private static let http = ServiceClient(
        configuration: OutboundConfiguration(userAgent: "cloud-mirror/test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: logger)
}
