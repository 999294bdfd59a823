import Logging
import MirrorCore
import MirrorNet
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

/// A machine whose environment and files a test makes up, with a cloud around it.
struct CredentialScene: Sendable {
    let server: ScriptedServer
    let client: ServiceClient
    /// A directory that is the home.
    let home: TemporaryDirectory
    var environment: [String: String]
    var clock = CredentialScene.clock

    /// The environment has a home without files, and nothing else; the metadata service is turned off.
    static func run<Result: Sendable>(
        _ script: @escaping ScriptedServer.Script = FakeCloud.script, _ body: @escaping @Sendable (CredentialScene) async throws -> Result
    ) async throws -> Result {
        let home = try TemporaryDirectory()
        try home.makeDirectory(".aws")
        let client = ServiceClient(
            configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        return try await ScriptedServer.run(script) { server in
            let scene = CredentialScene(
                server: server, client: client, home: home,
                environment: [
                    "HOME": home.path, "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": server.url,
                    // A limit for the clock below, which pauses are not.
                    "AWS_METADATA_SERVICE_TIMEOUT": "30",
                ])
            return try await ending {
                try await body(scene)
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

    func config(_ text: String) throws { try write(".aws/config", text) }
    func credentials(_ text: String) throws { try write(".aws/credentials", text) }

    /// A busy machine is not to look like one whose services do not answer.
    static let clock = HastyClock(shortestLimit: .seconds(2))

    var transport: CredentialsTransport { CredentialsTransport(client: client, clock: clock) }

    func chain(profile: String? = nil, region: String? = "eu-central-1") -> CredentialsChain<S3Credentials> {
        S3CredentialsChain.chain(
            client: client, region: region, profile: profile, environment: environment, files: .system, clock: clock)
    }

    /// What the chain finds, by the ID of its key.
    func keyID(profile: String? = nil) async throws -> String {
        try await chain(profile: profile).load().accessKeyID
    }

    /// What the chain fails with.
    func failure(profile: String? = nil) async throws -> CredentialsError {
        do {
            let found = try await chain(profile: profile).load()
            Issue.record("found \(found)")
            return CredentialsError(.notFound, "")
        } catch let error as CredentialsError {
            return error
        }
    }
}
