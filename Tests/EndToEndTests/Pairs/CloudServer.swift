import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// A server for tests whose buckets play regions. It is set up with plain requests where possible, so that the mirror's code does not check itself.
protocol CloudServer: Sendable {
    /// The first word of the names of its pools.
    var service: String { get }

    /// What a pool in a bucket is called in a configuration, as a flow mapping.
    ///
    /// - Parameter access: `public` or `presigned`.
    func pool(_ bucket: String, access: String) -> String

    /// The same of a bucket that is an origin.
    func origin(_ bucket: String) -> String

    /// What plain locations of a bucket's objects begin with.
    func base(of bucket: String) -> String

    /// How clients name an object of an origin's bucket.
    func artifact(_ key: String, in bucket: String) -> String

    /// A new bucket that nobody reads without credentials.
    func makeBucket(_ what: String) async throws -> String

    func put(_ artifact: PairArtifact, as key: String, in bucket: String) async throws
}

extension S3Server: CloudServer {
    var service: String { "s3" }
    func pool(_ bucket: String, access: String) -> String { settings(bucket, ", access: \(access)") }
    func origin(_ bucket: String) -> String { settings(bucket) }
    func base(of bucket: String) -> String { "\(url)/\(bucket)/" }
    func artifact(_ key: String, in bucket: String) -> String { "s3://\(bucket)/\(key)" }

    func put(_ artifact: PairArtifact, as key: String, in bucket: String) async throws {
        try await put(artifact.bytes, key, in: bucket, fields: artifact.fields)
    }
}

/// What the servers that play clouds have in common.
enum CloudServers {
    /// What a server gives to the machines that it runs.
    struct Token: Decodable {
        let text: String

        private enum CodingKeys: String, CodingKey {
            case text = "access_token"
        }
    }

    /// Whether tests of all clouds run: where the servers are missed they run too, and fail.
    static var areExpected: Bool {
        let environment = ProcessInfo.processInfo.environment
        let names = ["S3", "GCS", "AZURE"].map { "CLOUD_MIRROR_TEST_\($0)_ENDPOINT" }
        return names.allSatisfy { environment[$0] != nil } || environment["CI"] == "true"
    }

    static func value(_ name: String) throws -> String {
        try #require(ProcessInfo.processInfo.environment[name], "\(name) is not set; run these tests with `make test`, which sets it")
    }

    /// - Throws: For every answer but that it was done.
    static func send(_ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, _ token: Token, _ body: [UInt8]) async throws {
        var headers = headers
        headers.add(name: "Authorization", value: "Bearer \(token.text)")
        let answer = try await HTTP.send(method, url, headers: headers, bytes: ByteBuffer(bytes: body))
        try #require((200..<300).contains(answer.status), "\(method) \(url): \(answer.status) \(answer.text)")
    }
}
