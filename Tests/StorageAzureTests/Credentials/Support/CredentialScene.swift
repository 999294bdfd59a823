import Logging
import MirrorCore
import MirrorNet
import MirrorTesting
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

/// A machine whose environment and files a test makes up, with a cloud around it.
struct CredentialScene: Sendable {
    let server: ScriptedServer
    let client: ServiceClient
    var environment: [String: String]
    /// By path.
    var files: [String: String] = [:]
    var clock = CredentialScene.clock

    /// The environment says where Entra ID and the metadata service are: at the server, which is ``FakeEntra`` unless a test says
    /// otherwise.
    static func run<Result: Sendable>(
        _ script: @escaping ScriptedServer.Script = FakeEntra.script, _ body: @escaping @Sendable (CredentialScene) async throws -> Result
    ) async throws -> Result {
        let client = ServiceClient(
            configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        return try await ending {
            try await ScriptedServer.run(script) { server in
                try await body(
                    CredentialScene(
                        server: server, client: client,
                        environment: ["AZURE_AUTHORITY_HOST": server.url, "AZURE_POD_IDENTITY_AUTHORITY_HOST": server.url]))
            }
        } with: {
            await client.shutdown()
        }
    }

    func with(_ variables: [String: String?], files: [String: String] = [:]) -> CredentialScene {
        var copy = self
        for (name, value) in variables { copy.environment[name] = value }
        copy.files.merge(files) { $1 }
        return copy
    }

    /// A busy machine is not to look like one whose services do not answer.
    static let clock = HastyClock(shortestLimit: .seconds(1))

    var transport: CredentialsTransport { CredentialsTransport(client: client, clock: clock) }

    var means: AzureCredentialsChain.Means {
        AzureCredentialsChain.Means(
            transport: transport, account: StoreFixture.account, authority: "https://login.example.org", environment: environment,
            files: CredentialFiles { [files] path in
                files[path].map { CredentialFiles.Content.bytes(Array($0.utf8)) } ?? .missing
            })
    }

    var tokenService: EntraTokenService { means.tokenService }

    /// What the chain finds.
    func found() async throws -> AzureCredentials { try await AzureCredentialsChain.chain(means).load() }

    /// What the chain fails with.
    func failure() async throws -> CredentialsError {
        do {
            let found = try await found()
            Issue.record("found \(found)")
            return CredentialsError(.notFound, "")
        } catch let error as CredentialsError {
            return error
        }
    }
}

extension AzureCredentials {
    /// A token, a signature's query, or the account of a key.
    var text: String {
        switch kind {
        case .key(let key): key.account
        case .signature(let signature): signature.query
        case .token(let token): token
        }
    }
}
