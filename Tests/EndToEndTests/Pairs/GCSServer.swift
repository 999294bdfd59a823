import MirrorCore
import NIOHTTP1
import TestServers

/// The server that plays Google Cloud Storage.
struct GCSServer: CloudServer {
    private static let project = "cloud-mirror-tests"

    private let url: String
    private let keyFile: String

    init() throws {
        url = try CloudServers.value("CLOUD_MIRROR_TEST_GCS_ENDPOINT")
        keyFile = try CloudServers.value("CLOUD_MIRROR_TEST_GCS_CREDENTIALS")
    }

    var service: String { "gcs" }
    var control: CloudControl { CloudControl(url) }

    func pool(_ bucket: String, access: String) -> String { section(bucket, ", project: \(Self.project), access: \(access)") }
    func origin(_ bucket: String) -> String { section(bucket, "") }
    func base(of bucket: String) -> String { "\(url)/\(bucket)/" }
    func artifact(_ key: String, in bucket: String) -> String { "gs://\(bucket)/\(key)" }

    private func section(_ bucket: String, _ more: String) -> String {
        "{bucket: \(bucket), endpoint: \"\(url)\", credentials: {file: \"\(keyFile)\"}\(more)}"
    }

    func makeBucket(_ what: String) async throws -> String {
        let name = S3Server.name(what)
        let body = "{\"name\": \"\(name)\", \"location\": \"EUROPE-WEST3\"}"
        try await send(.POST, "/storage/v1/b?project=\(Self.project)", ["content-type": "application/json"], Array(body.utf8))
        return name
    }

    func put(_ artifact: PairArtifact, as key: String, in bucket: String) async throws {
        var headers = HTTPHeaders()
        for (name, value) in artifact.fields { headers.add(name: name, value: value) }
        try await send(.PUT, "/\(bucket)/\(PercentCoding.encode(path: key))", headers, artifact.bytes)
    }

    private func send(_ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8]) async throws {
        let path = "/computeMetadata/v1/instance/service-accounts/default/token"
        let token = try await HTTP.send(.GET, url + path, headers: ["Metadata-Flavor": "Google"]).json(CloudServers.Token.self)
        try await CloudServers.send(method, url + target, headers, token, body)
    }
}
