import Crypto
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Documents that describe an account", .timeLimit(.minutes(5)))
struct AccountDocumentTests {
    @Test("Each kind gives a token", arguments: ["service", "user", "external", "impersonated", "nested"])
    func kinds(_ kind: String) async throws {
        try await CredentialScene.run { scene async throws in
            let file = try scene.write("subject", "  \(FakeGoogle.subjectToken)\n")
            let external = FakeGoogle.external(scene, ["file": .string(file)])
            let account: (document: JSONValue, token: String) =
                switch kind {
                case "service": (try FakeGoogle.serviceAccount(scene), "SERVICE")
                case "user": (FakeGoogle.user(scene), "USER")
                case "external": (external, "FEDERATED.jwt")
                case "impersonated": (FakeGoogle.impersonated(scene, FakeGoogle.user(scene)), "other@p.USER")
                default:
                    (
                        external.with("service_account_impersonation_url", .string(FakeGoogle.address(scene, "one@p"))),
                        "one@p.FEDERATED.jwt"
                    )
                }
            let found = try await scene.load(account.document)
            #expect(found.token == account.token)
            #expect(found.expires != nil)
            #expect(found.owner?.isEmpty == false)
        }
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: CredentialsError.Code
        let words: String
        /// Of a service account, a person, an external account and an impersonated one.
        let document: @Sendable (CredentialScene) throws -> JSONValue

        init(
            _ name: String, _ words: String, code: CredentialsError.Code = .invalid,
            _ document: @escaping @Sendable (CredentialScene) throws -> JSONValue
        ) {
            testDescription = name
            self.code = code
            self.words = words
            self.document = document
        }
    }

    private static let evil = JSONValue.string("https://evil.example/token")

    static let cases = [
        Broken("no object", "the document is not a JSON object") { _ in .array([]) },
        Broken("no type", "has no type") { try FakeGoogle.serviceAccount($0).with("type", nil) },
        Broken("an odd type", "the type in the document is not service_account") {
            try FakeGoogle.serviceAccount($0).with("type", .string("other"))
        },
        Broken("a type that is not a text", "type of the document is not a text") { _ in .object(["type": .integer(1)]) },
        Broken("credentials of a workforce's browser", "not for services", code: .unsupported) { _ in
            .object(["type": .string("external_account_authorized_user")])
        },
        Broken("another universe", "example.org", code: .unsupported) {
            try FakeGoogle.serviceAccount($0).with("universe_domain", .string("example.org"))
        },
        Broken("no key", "has no private_key") { try FakeGoogle.serviceAccount($0).with("private_key", nil) },
        Broken("a key that is not one", "private_key is not an RSA key") {
            try FakeGoogle.serviceAccount($0).with("private_key", .string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
        },
        Broken("an elliptic key", "private_key is not an RSA key") {
            try FakeGoogle.serviceAccount($0).with("private_key", .string(P256.Signing.PrivateKey().pemRepresentation))
        },
        Broken("an address with a line break", "client_email of the document contains") {
            try FakeGoogle.serviceAccount($0).with("client_email", .string("a\nb"))
        },
        Broken("tokens from elsewhere", "token_uri of the document leads to https://evil.example") {
            try FakeGoogle.serviceAccount($0).with("token_uri", evil)
        },
        Broken("tokens from elsewhere for a person", "token_uri of the document leads to https://evil.example") {
            FakeGoogle.user($0).with("token_uri", evil)
        },
        Broken("tokens without TLS", "token_uri of the document leads to http://oauth2.googleapis.com") {
            try FakeGoogle.serviceAccount($0).with("token_uri", .string("http://oauth2.googleapis.com/token"))
        },
        Broken("tokens from another port", "leads to https://oauth2.googleapis.com:8443") {
            try FakeGoogle.serviceAccount($0).with("token_uri", .string("https://oauth2.googleapis.com:8443/token"))
        },
        Broken("a host that only looks like Google's", "leads to https://oauth2.googleapis.com.evil.example") {
            try FakeGoogle.serviceAccount($0).with("token_uri", .string("https://oauth2.googleapis.com.evil.example/token"))
        },
        Broken("another host that only looks like Google's", "leads to https://evilgoogleapis.com") {
            try FakeGoogle.serviceAccount($0).with("token_uri", .string("https://evilgoogleapis.com/token"))
        },
        Broken("an address that is not one", "token_uri of the document is not a valid address") {
            FakeGoogle.user($0).with("token_uri", .string("nonsense"))
        },
        Broken("no refresh token", "has no refresh_token") { FakeGoogle.user($0).with("refresh_token", nil) },
        Broken("an empty client", "has no client_id") { FakeGoogle.user($0).with("client_id", .string("")) },
        Broken("a secret that is a number", "client_secret of the document is not a text") {
            FakeGoogle.user($0).with("client_secret", .integer(7))
        },
        Broken("no audience", "has no audience") { FakeGoogle.external($0, ["file": .string("/x")]).with("audience", nil) },
        Broken("an exchange elsewhere", "token_url of the document leads to https://evil.example") {
            FakeGoogle.external($0, ["file": .string("/x")]).with("token_url", evil)
        },
        Broken("no source", "has no credential_source") { FakeGoogle.external($0, [:]).with("credential_source", nil) },
        Broken("an empty source", "has none of file, url, executable and environment_id") { FakeGoogle.external($0, [:]) },
        Broken("a source that is a list", "credential_source of the document is not an object") {
            FakeGoogle.external($0, [:]).with("credential_source", .array([]))
        },
        Broken("a certificate", "is a certificate", code: .unsupported) { FakeGoogle.external($0, ["certificate": .object([:])]) },
        Broken("an impersonation elsewhere", "service_account_impersonation_url leads to https://evil.example") {
            FakeGoogle.external($0, ["file": .string("/x")]).with("service_account_impersonation_url", evil)
        },
        Broken("no account to impersonate", "is not the address of an account's generateAccessToken") {
            FakeGoogle.external($0, ["file": .string("/x")]).with("service_account_impersonation_url", .string($0.server.url + "/v1/other"))
        },
        Broken("a life that is none", "token_lifetime_seconds is not a number from 600 to 43200") {
            FakeGoogle.external($0, ["file": .string("/x")])
                .with("service_account_impersonation_url", .string(FakeGoogle.address($0, "a@p")))
                .with("service_account_impersonation", .object(["token_lifetime_seconds": .integer(599)]))
        },
        Broken("nobody who impersonates", "has no source_credentials") {
            FakeGoogle.impersonated($0, FakeGoogle.user($0)).with("source_credentials", nil)
        },
        Broken("delegates that are not texts", "delegates of the document is not a list of texts") {
            FakeGoogle.impersonated($0, FakeGoogle.user($0)).with("delegates", .array([.integer(1)]))
        },
        Broken("one within the other without end", "list the accounts in between as delegates", code: .unsupported) { scene in
            FakeGoogle.impersonated(scene, FakeGoogle.impersonated(scene, FakeGoogle.user(scene)))
        },
    ]

    @Test("What is wrong with one is said without a secret, and nothing is sent", arguments: cases)
    func broken(_ broken: Broken) async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await scene.failure(try broken.document(scene))
            #expect(failure.code == broken.code)
            #expect(failure.message.contains(broken.words), "\(failure)")
            for secret in FakeGoogle.secrets { #expect(!failure.message.contains(secret), "\(failure)") }
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test("What is not JSON, or JSON without end, is refused")
    func notJSON() {
        let hosts = GoogleHosts(endpoint: .google)
        let deep = String(repeating: #"{"source_credentials":"#, count: 100_000)
        for text in ["", "nonsense", "[1]", "{", "\u{FEFF}", deep, String(repeating: "[", count: 100_000), #"{"type": "service_account""#] {
            #expect(throws: CredentialsError.self) { try AccountDocument.parse(Array(text.utf8), of: "it", hosts: hosts) }
        }
        #expect(throws: CredentialsError.self) { try AccountDocument.parse([0xFF, 0x00, 0xC3], of: "it", hosts: hosts) }
    }

    @Test(
        "Secrets go to Google, to the universe of the endpoint and to the endpoint, and nowhere else",
        arguments: [
            ("https://storage.googleapis.com", "https://oauth2.googleapis.com/token", true),
            ("https://storage.googleapis.com", "https://accounts.google.com/o/oauth2/token", true),
            ("https://storage.googleapis.com", "https://sts.us-east1.rep.googleapis.com/v1/token", true),
            ("https://storage.googleapis.com", "https://oauth2.example.org/token", false),
            ("https://storage.googleapis.com", "https://google.com/token", false),
            ("https://storage.googleapis.com", "https://169.254.169.254/token", false),
            ("https://storage.example.org", "https://oauth2.example.org/token", true),
            ("https://storage.example.org", "https://oauth2.googleapis.com/token", true),
            ("https://storage.example.org", "https://oauth2.other.org/token", false),
            ("https://private.example.org", "https://oauth2.example.org/token", false),
            ("https://private.example.org", "https://private.example.org/token", true),
            ("https://private.example.org", "https://private.example.org:444/token", false),
            ("http://127.0.0.1:4443", "http://127.0.0.1:4443/token", true), ("http://127.0.0.1:4443", "http://127.0.0.1:4444/token", false),
            ("http://storage.example.org", "https://oauth2.example.org/token", false),
        ])
    func hosts(_ endpoint: String, _ address: String, _ isTrusted: Bool) throws {
        let hosts = GoogleHosts(endpoint: GCSEndpoint(try ArtifactURL(endpoint)))
        if isTrusted {
            #expect(try hosts.address(address, named: "it").description == address)
        } else {
            #expect(throws: CredentialsError.self) { try hosts.address(address, named: "it") }
        }
    }

    @Test("A universe is that of the endpoint, and says where its services are")
    func universe() throws {
        let hosts = GoogleHosts(endpoint: GCSEndpoint(try ArtifactURL("https://storage.example.org")))
        #expect(try hosts.universe("example.org") == "example.org")
        #expect(hosts.address(of: "sts", in: "example.org") == "https://sts.example.org")
        #expect(try hosts.universe(nil) == "googleapis.com")
        #expect(hosts.address(of: "sts") == "https://sts.googleapis.com")
        #expect(throws: CredentialsError.self) { try hosts.universe("other.org") }
        #expect(throws: CredentialsError.self) { try GoogleHosts(endpoint: .google).universe("example.org") }
    }
}
