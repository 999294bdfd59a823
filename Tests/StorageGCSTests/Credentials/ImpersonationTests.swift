import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Acting as a service account", .timeLimit(.minutes(5)))
struct ImpersonationTests {
    @Test("The request says for what, how long and through whom; the token signs for the account as long as its source lasts")
    func request() async throws {
        try await CredentialScene.run { scene async throws in
            let document = FakeGoogle.impersonated(scene, FakeGoogle.user(scene), as: "a.b@p")
                .with("delegates", .array([.string("projects/-/serviceAccounts/one@p")]))
            let found = try await scene.load(document)
            #expect(found.token == "a.b@p.USER")
            #expect(found.owner == "a.b@p")
            let request = try #require(scene.server.requests.last)
            #expect(request.header("authorization") == "Bearer USER")
            #expect(
                JSONValue(parsing: request.body.utf8)
                    == .object([
                        "delegates": .array([.string("projects/-/serviceAccounts/one@p")]), "lifetime": .string("3600s"),
                        "scope": .array([.string(FakeGoogle.scope)]),
                    ]))
            // The source's hour, though the account's token would last a day.
            let expires = try #require(found.expires)
            #expect(scene.clock.now.duration(to: expires) <= .seconds(3_600))
            guard case .service(let signing)? = found.signer else {
                Issue.record("nothing signs")
                return
            }
            #expect(signing.account == "a.b@p" && signing.token == "USER")
            #expect(signing.address.description == "\(scene.server.url)/v1/projects/-/serviceAccounts/a.b@p:signBlob")
            #expect(signing.delegates == ["projects/-/serviceAccounts/one@p"])
        }
    }

    @Test("A federated identity may act as an account, for as long as its document says")
    func federated() async throws {
        try await CredentialScene.run { scene async throws in
            let file = try scene.write("subject", FakeGoogle.subjectToken)
            let document = FakeGoogle.external(scene, ["file": .string(file)])
                .with("service_account_impersonation_url", .string(FakeGoogle.address(scene, "a@p")))
                .with("service_account_impersonation", .object(["token_lifetime_seconds": .integer(900)]))
                .with("quota_project_id", .string("q"))
            let found = try await scene.load(document)
            #expect(found.token == "a@p.FEDERATED.jwt" && found.quotaProject == "q")
            let last = try #require(scene.server.requests.last)
            let body = try #require(JSONValue(parsing: last.body.utf8))
            #expect(body["lifetime"]?.string == "900s")
            #expect(body["delegates"] == nil)
        }
    }

    @Test("A refusal names the account and what the service says")
    func refused() async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await scene.failure(FakeGoogle.impersonated(scene, FakeGoogle.user(scene), as: "forbidden"))
            #expect(failure.code == .refused)
            #expect(failure.message.hasPrefix("impersonation of forbidden: "))
            #expect(failure.message.hasSuffix("status 403, PERMISSION_DENIED: Permission denied on it."), "\(failure)")
        }
    }

    @Test(
        "What is not an account's generateAccessToken is refused",
        arguments: [
            "/v1/projects/-/serviceAccounts/a@p:signBlob", "/v1/projects/-/serviceAccounts/:generateAccessToken",
            "/v1/projects/-/serviceAccounts/a/b:generateAccessToken", "/v1/projects/-/serviceAccounts/..%2Fx:generateAccessToken",
            "/v1/projects/-/serviceAccounts/a@p:generateAccessToken?x=1", "/v2/projects/-/serviceAccounts/a@p:generateAccessToken", "/",
        ])
    func addresses(_ path: String) {
        let hosts = GoogleHosts(endpoint: .google)
        #expect(throws: CredentialsError.self) {
            try Impersonation(address: "https://iamcredentials.googleapis.com\(path)", hosts: hosts)
        }
    }

    @Test("An account of the configuration is at Google's own service", arguments: ["a@p.iam.gserviceaccount.com", "123456789"])
    func account(_ account: String) throws {
        #expect(try Impersonation(account: account, hosts: GoogleHosts(endpoint: .google)).account == account)
    }

    @Test("What is not an account's address is refused", arguments: ["", "a/b", "a b", "../a", "a?b", String(repeating: "a", count: 257)])
    func notAccounts(_ account: String) {
        #expect(throws: CredentialsError.self) { try Impersonation(account: account, hosts: GoogleHosts(endpoint: .google)) }
    }

    @Test(
        "An answer without a time, or with an odd token, is none",
        arguments: [
            #"{"accessToken": "t"}"#, #"{"accessToken": "t", "expireTime": "soon"}"#, #"{"expireTime": "2099-01-01T00:00:00Z"}"#,
            #"{"accessToken": "a b", "expireTime": "2099-01-01T00:00:00Z"}"#,
            #"{"accessToken": 7, "expireTime": "2099-01-01T00:00:00Z"}"#, "[]",
        ])
    func oddAnswers(_ answer: String) async throws {
        let script: ScriptedServer.Script = { request in request.uri == "/token" ? FakeGoogle.token("USER") : .init(body: answer) }
        try await CredentialScene.run(script) { scene async throws in
            let failure = try await scene.failure(FakeGoogle.impersonated(scene, FakeGoogle.user(scene)))
            #expect(failure.code == .invalid)
        }
    }
}
