import Logging
import MirrorCore
import MirrorNet
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

/// A machine whose environment and files a test makes up, with all of Google's services at one address.
struct CredentialScene: Sendable {
    let server: ScriptedServer
    let client: ServiceClient
    /// A directory that is the home.
    let home: TemporaryDirectory
    let endpoint: GCSEndpoint
    let clock: any MirrorClock
    let clockOffset = ClockOffset()
    var environment: [String: String]

    /// A busy machine is not to look like one whose services do not answer.
    static let hasty = HastyClock(shortestLimit: .seconds(2))

    /// The environment has a home without files, and nothing else; the metadata server is turned off.
    static func run<Result: Sendable>(
        _ script: @escaping ScriptedServer.Script = FakeGoogle.script, clock: any MirrorClock = CredentialScene.hasty,
        _ body: @escaping @Sendable (CredentialScene) async throws -> Result
    ) async throws -> Result {
        let home = try TemporaryDirectory()
        try home.makeDirectory(".config/gcloud")
        let client = ServiceClient(
            configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        return try await ScriptedServer.run(script) { server in
            try await ending {
                try await body(
                    CredentialScene(
                        server: server, client: client, home: home, endpoint: GCSEndpoint(try ArtifactURL(server.url)), clock: clock,
                        environment: ["HOME": home.path, "PATH": "/usr/bin:/bin", "NO_GCE_CHECK": "true"]))
            } with: {
                await client.shutdown()
            }
        }
    }

    func with(_ variables: [String: String?]) -> CredentialScene {
        var copy = self
        for (name, value) in variables { copy.environment[name] = value }
        return copy
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try home.write(text, to: name) }

    var hosts: GoogleHosts { GoogleHosts(endpoint: endpoint) }

    var context: AccountContext {
        let transport = CredentialsTransport(client: client, clock: clock)
        return AccountContext(
            hosts: hosts, tokens: GoogleTokenService(transport: transport, clockOffset: clockOffset), environment: environment,
            files: .system)
    }

    func chain(file: String? = nil) -> CredentialsChain<GCSCredentials> { GCSCredentialsChain.chain(file: file, context) }

    /// What an account gives that a document describes.
    func load(_ document: JSONValue) async throws -> GCSCredentials {
        try await AccountDocument.parse(document.encoded, of: "the document", hosts: hosts).load(context)
    }

    /// What fails of it.
    func failure(_ document: JSONValue) async throws -> CredentialsError {
        try await Self.failure { try await load(document) }
    }

    static func failure(_ body: () async throws -> GCSCredentials) async throws -> CredentialsError {
        do {
            let found = try await body()
            Issue.record("found \(found)")
            return CredentialsError(.notFound, "")
        } catch let error as CredentialsError {
            return error
        }
    }
}
