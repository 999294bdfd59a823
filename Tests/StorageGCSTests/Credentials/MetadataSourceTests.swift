import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("The metadata server of Google's machines", .timeLimit(.minutes(5)))
struct MetadataSourceTests {
    private static let google: [(name: String, value: String)] = [("Metadata-Flavor", "Google")]

    private static func look(_ scene: CredentialScene) async throws -> CredentialsFinding<GCSCredentials> {
        let scene = scene.with(["GCE_METADATA_HOST": String(scene.server.url.dropFirst("http://".count)), "NO_GCE_CHECK": nil])
        return try await GoogleMetadataSource(context: scene.context).look()
    }

    @Test("It gives a token, and the account that the token is of signs for itself")
    func found() async throws {
        try await CredentialScene.run { scene async throws in
            guard case .found(let found) = try await Self.look(scene) else {
                Issue.record("nothing found")
                return
            }
            #expect(found.token == "METADATA")
            #expect(found.owner == "machine@project.iam.gserviceaccount.com")
            guard case .service(let signing)? = found.signer else {
                Issue.record("nothing signs")
                return
            }
            #expect(signing.token == "METADATA" && signing.account == "machine@project.iam.gserviceaccount.com")
            #expect(
                signing.address.description
                    == "\(scene.server.url)/v1/projects/-/serviceAccounts/machine@project.iam.gserviceaccount.com:signBlob")
            #expect(scene.server.requests.allSatisfy { $0.header("metadata-flavor") == "Google" && $0.header("authorization") == nil })
        }
    }

    @Test("A pod without an account of its own has a token all the same, and signs nothing")
    func noAccount() async throws {
        let script: ScriptedServer.Script = { request in
            .init(headers: Self.google, body: request.uri.hasSuffix("/email") ? "project.svc.id.goog" : FakeGoogle.token("T").body)
        }
        try await CredentialScene.run(script) { scene async throws in
            guard case .found(let found) = try await Self.look(scene) else {
                Issue.record("nothing found")
                return
            }
            #expect(found.token == "T" && found.signer == nil)
        }
    }

    @Test("Another cloud's server, or a machine without an account, is a place without credentials", arguments: [true, false])
    func absent(_ isGoogle: Bool) async throws {
        let script: ScriptedServer.Script = { _ in
            isGoogle ? .init(status: 404, headers: Self.google) : .init(body: FakeGoogle.token("T").body)
        }
        try await CredentialScene.run(script) { scene async throws in
            guard case .absent(let reason) = try await Self.look(scene) else {
                Issue.record("something found")
                return
            }
            #expect(reason.contains(isGoogle ? "no service account" : "is not Google's metadata server"))
        }
    }

    @Test("A server that hangs up is none; one that is there and fails is an error", arguments: [true, false])
    func failing(_ isThere: Bool) async throws {
        struct Gone: Error {}
        let script: ScriptedServer.Script = { _ in
            guard isThere else { throw Gone() }
            return .init(status: 503, headers: Self.google)
        }
        try await CredentialScene.run(script) { scene async throws in
            if isThere {
                let error = await #expect(throws: CredentialsError.self) { try await Self.look(scene) }
                #expect(error?.code == .unavailable)
            } else {
                guard case .absent(let reason) = try await Self.look(scene) else {
                    Issue.record("something found")
                    return
                }
                #expect(reason.contains("not a machine of Google's cloud"))
            }
        }
    }

    @Test("A host that is none is an error")
    func badHost() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = scene.with(["GCE_METADATA_HOST": "a b/..", "NO_GCE_CHECK": nil])
            let error = await #expect(throws: CredentialsError.self) { try await GoogleMetadataSource(context: scene.context).look() }
            #expect(error?.code == .invalid)
        }
    }
}
