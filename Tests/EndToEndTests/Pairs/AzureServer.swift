import MirrorCore
import NIOHTTP1
import TestServers

/// The server that plays Azure Blob Storage, where a bucket is a container.
struct AzureServer: CloudServer {
    /// Of the account, which stands in the path.
    private let url: String
    private let account: String
    private let key: String

    init() throws {
        url = try CloudServers.value("CLOUD_MIRROR_TEST_AZURE_ENDPOINT")
        account = try CloudServers.value("CLOUD_MIRROR_TEST_AZURE_ACCOUNT")
        key = try CloudServers.value("CLOUD_MIRROR_TEST_AZURE_KEY")
    }

    var service: String { "azure" }
    var control: CloudControl { CloudControl(url) }

    func pool(_ bucket: String, access: String) -> String { section(bucket, ", access: \(access)") }
    func origin(_ bucket: String) -> String { section(bucket, "") }
    func base(of bucket: String) -> String { "\(url)/\(bucket)/" }
    func artifact(_ key: String, in bucket: String) -> String { base(of: bucket) + PercentCoding.encode(path: key) }

    private func section(_ bucket: String, _ more: String) -> String {
        "{account: \(account), container: \(bucket), endpoint: \"\(url)\", credentials: {accountKey: \"\(key)\"}\(more)}"
    }

    func makeBucket(_ what: String) async throws -> String {
        let name = S3Server.name(what)
        try await send(.PUT, "/\(name)?restype=container", [:], [])
        return name
    }

    func put(_ artifact: PairArtifact, as key: String, in bucket: String) async throws {
        var headers: HTTPHeaders = ["x-ms-blob-type": "BlockBlob"]
        for (name, value) in artifact.fields { headers.add(name: "x-ms-blob-\(name)", value: value) }
        try await send(.PUT, "/\(bucket)/\(PercentCoding.encode(path: key))", headers, artifact.bytes)
    }

    private func send(_ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8]) async throws {
        let server = url.dropLast(account.count + 1)
        let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com"
        let token = try await HTTP.send(.GET, "\(server)\(path)", headers: ["Metadata": "true"]).json(CloudServers.Token.self)
        var headers = headers
        headers.add(name: "x-ms-version", value: "2023-11-03")
        try await CloudServers.send(method, url + target, headers, token, body)
    }
}
