import Foundation
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
    let home: URL
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
        let home = FileManager.default.temporaryDirectory.appendingPathComponent("credentials-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: home.appendingPathComponent(".config/gcloud"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let client = ServiceClient(
            configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        return try await ScriptedServer.run(script) { server in
            do {
                let scene = CredentialScene(
                    server: server, client: client, home: home, endpoint: GCSEndpoint(try ArtifactURL(server.url)), clock: clock,
                    environment: ["HOME": home.path, "PATH": "/usr/bin:/bin", "NO_GCE_CHECK": "true"])
                let result = try await body(scene)
                await client.shutdown()
                return result
            } catch {
                await client.shutdown()
                throw error
            }
        }
    }

    func with(_ variables: [String: String?]) -> CredentialScene {
        var copy = self
        for (name, value) in variables { copy.environment[name] = value }
        return copy
    }

    /// A script written so is given to `/bin/sh` by name, never run by itself: a file that is open for writing cannot be run (ETXTBSY), and
    /// for an instant it is open in whatever child another test starts meanwhile.
    /// - Returns: The path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = home.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

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
