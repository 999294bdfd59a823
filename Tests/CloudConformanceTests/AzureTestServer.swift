import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorStorage
import NIOCore
import NIOHTTP1
import NIOPosix
import StorageCloud
import Testing

@testable import StorageAzure

/// A server that plays Azure Blob Storage, which `scripts/test-servers.sh` starts, and which checks signatures and tokens.
struct AzureTestServer: Sendable {
    let endpoint: AzureEndpoint
    let credentials: any CredentialsProvider<AzureCredentials>
    /// Sign locations where there is no key.
    let delegation: AzureDelegationKeys?

    private static let account = variable("ACCOUNT")

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["CLOUD_MIRROR_TEST_AZURE_\(name)"]
    }

    private static func place(_ name: String) -> AzureEndpoint? {
        guard let account, let text = variable(name), let url = try? ArtifactURL(text) else { return nil }
        return AzureEndpoint(url, account: account)
    }

    /// With the account's key. `nil` when there is no server: with `CI` set that is a failure, and elsewhere the tests that need it are
    /// skipped and say so.
    static let shared: AzureTestServer? = {
        guard let account, let endpoint = place("ENDPOINT"), let text = variable("KEY"),
            let key = SharedKey(account: account, base64: text)
        else { return nil }
        return AzureTestServer(endpoint: endpoint, credentials: StaticCredentials(AzureCredentials(key: key)), delegation: nil)
    }()

    /// Whether tests of the server run: where it is missed they run too, and fail.
    static var isExpected: Bool { shared != nil || ProcessInfo.processInfo.environment["CI"] == "true" }

    static func required() throws -> AzureTestServer {
        try #require(shared, "CLOUD_MIRROR_TEST_AZURE_ENDPOINT is not set; run these tests with `make test`, which sets it")
    }

    /// The account of the server's own application, which may do everything.
    private struct Application: Decodable {
        let tenant_id: String
        let client_id: String
        let client_secret: String
    }

    private static let identity = Task {
        let server = try required()
        let (scheme, host, port) = (server.endpoint.scheme, server.endpoint.host, server.endpoint.port)
        let request = ServiceRequest(scheme: scheme, host: host, port: port, target: "/_control/entra")
        let answer = try await sharedHTTP.collect(request, upTo: 1 << 20)
        let application = try JSONDecoder().decode(Application.self, from: Data(answer.body.readableBytesView))
        let settings = AzureCredentialSettings.client(
            tenantID: application.tenant_id, clientID: application.client_id, secret: Secret(application.client_secret))
        // Over TLS where there is that, as tokens are sent to others.
        let endpoint = place("TLS_ENDPOINT") ?? server.endpoint
        let provider = AzureCredentialsChain.provider(
            for: settings, of: endpoint, client: sharedHTTP, environment: ["AZURE_AUTHORITY_HOST": "\(scheme.rawValue)://\(host):\(port)"],
            logger: logger)
        let delegation = AzureDelegationKeys(endpoint: endpoint, credentials: provider, http: sharedHTTP, logger: logger)
        return AzureTestServer(endpoint: endpoint, credentials: provider, delegation: delegation)
    }

    /// With a token of Entra ID.
    static func withToken() async throws -> AzureTestServer { try await identity.value }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// For all tests: connections end with the process.
    static let sharedHTTP: ServiceClient = {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/test")
        configuration.certificateAuthorities = variable("CA")
        return ServiceClient(configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }()

    /// Containers, one for each name, made when first asked for; they go with the server.
    private static let containers = Containers()

    private actor Containers {
        private var made: [String: Task<String, any Error>] = [:]

        func container(_ name: String) async throws -> String {
            if let task = made[name] { return try await task.value }
            let task = Task {
                let container = "\(name)-\(UInt32.random(in: 1...UInt32.max))"
                let server = try required()
                let client = AzureClient(
                    container: container, endpoint: server.endpoint, credentials: server.credentials, http: sharedHTTP, logger: logger)
                var call = AzureCall("createContainer", .PUT, .bucket, query: [("restype", "container")])
                call.headers = [("x-ms-blob-public-access", "blob")]
                _ = try await client.send(call)
                return container
            }
            made[name] = task
            return try await task.value
        }
    }

    /// A store over a container of this name and a random number, whose blobs everybody may read.
    ///
    /// - Parameter name: The same name is the same container.
    func store(_ name: String, change: (inout AzureConfiguration) -> Void = { _ in }) async throws -> AzureStore {
        var configuration = AzureConfiguration(
            container: try await Self.containers.container(name), endpoint: endpoint, credentials: credentials, delegation: delegation)
        change(&configuration)
        return AzureStore(configuration: configuration, http: Self.sharedHTTP, logger: Self.logger)
    }
}
