import Logging
import MirrorCore
import MirrorSettings
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("What the settings say of credentials", .timeLimit(.minutes(5)))
struct CredentialSettingTests {
    private func text(_ settings: AzureCredentialSettings, _ scene: CredentialScene) async throws -> String? {
        let provider = AzureCredentialsChain.provider(
            for: settings, of: AzureEndpoint(account: StoreFixture.account), client: scene.client, environment: scene.environment,
            files: scene.means.files, clock: CredentialScene.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let found = try await provider.credentials()
        await provider.shutdown()
        return found?.text
    }

    @Test("Each form is the credentials that it names")
    func forms() async throws {
        let files = ["/c.pem": try TestCertificate.pem()]
        try await CredentialScene.run { scene async throws in
            let scene = scene.with([:], files: files)
            let (tenant, client) = (FakeEntra.tenant, FakeEntra.client)
            #expect(try await text(.anonymous, scene) == nil)
            #expect(try await text(.key(Secret(GivenCredentials.key)), scene) == StoreFixture.account)
            #expect(try await text(.signature(Secret("?sv=1&sig=s")), scene) == "sv=1&sig=s")
            #expect(
                try await text(.client(tenantID: tenant, clientID: client, secret: Secret(FakeEntra.secret)), scene) == "SECRET.\(client)")
            #expect(try await text(.certificate(tenantID: tenant, clientID: client, file: "/c.pem"), scene) == "CERTIFICATE.\(client)")
            #expect(try await text(.managedIdentity(clientID: nil), scene) == "MACHINE.system")
            #expect(try await text(.managedIdentity(clientID: "c-1"), scene) == "MACHINE.c-1")
            #expect(try await text(.chain, scene.with(["AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=e"])) == "sv=1&sig=e")
            let error = await #expect(throws: CredentialsError.self) {
                try await text(.certificate(tenantID: tenant, clientID: client, file: "/absent.pem"), scene)
            }
            #expect(error?.message.contains("/absent.pem") == true)
        }
    }

    @Test(
        "A SAS token is one with a signature and a version, and ends when it says",
        arguments: [
            ("sv=2023-11-03&sig=a%2Fb", nil, true), ("?sv=1&sig=x&se=2026-01-31T12%3A00%3A00Z", "2026-01-31T12:00:00Z", true),
            ("sv=1&sig=x&se=2026-01-31", "2026-01-31T00:00:00Z", true), ("sv=1&sig=x&se=2026-01-31T12:30Z", "2026-01-31T12:30:00Z", true),
            ("SV=1&SIG=x", nil, true), ("sv=1&sig=x&se=soon", nil, true), ("", nil, false), ("?", nil, false), ("sv=1", nil, false),
            ("sig=x", nil, false), ("sv=1&sig=", nil, false), ("sv=1&sig=a b", nil, false), ("sv=1&sig=x#y", nil, false),
            ("https://x/?sv=1&sig=x", nil, false), ("sv=1&sig=x\r\n", nil, false), ("sv=1&sig=%FF", nil, false), ("sv=1&sig", nil, false),
        ] as [(String, String?, Bool)])
    func signatures(_ text: String, _ end: String?, _ isOne: Bool) {
        let token = AzureSASToken(text)
        #expect((token != nil) == isOne)
        #expect(token?.expires == end.flatMap { Timestamp(rfc3339: $0) })
    }

    @Test("No text of credentials shows a secret")
    func secrecy() throws {
        let signature = try #require(AzureSASToken("sv=1&sig=leaked-signature"))
        let end = Timestamp(milliseconds: 1_769_860_800_000)
        let all: [any Sendable] = [
            AzureCredentials(signature: signature), AzureCredentials(token: "leaked-token", of: "application a", expires: end), signature,
            AzureCredentialSettings.signature(Secret("leaked")), AzureCredentialSettings.key(Secret("leaked")),
            AzureCredentialSettings.client(tenantID: "t", clientID: "c", secret: Secret("leaked")),
        ]
        for one in all {
            var text = "\(one) \(String(reflecting: one))"
            dump(one, to: &text)
            #expect(!text.contains("leaked"), "\(text)")
        }
    }

    @Test("What the chain fails with shows no secret either")
    func failures() async throws {
        let script: ScriptedServer.Script = { request in
            .init(status: 400, body: "{\"error\":\"x\",\"error_description\":\"\(request.body)\"}")
        }
        try await CredentialScene.run(script) { scene async throws in
            let variables: [String: String?] = [
                "AZURE_TENANT_ID": FakeEntra.tenant, "AZURE_CLIENT_ID": FakeEntra.client, "AZURE_CLIENT_SECRET": FakeEntra.secret,
            ]
            let application = try await scene.with(variables).failure()
            let federated = scene.with(variables, files: ["/t": FakeEntra.federatedToken])
                .with(["AZURE_CLIENT_SECRET": nil, "AZURE_FEDERATED_TOKEN_FILE": "/t"])
            let service = scene.with(["IDENTITY_ENDPOINT": "\(scene.server.url)/msi", "IDENTITY_HEADER": FakeEntra.identityHeader])
            for failure in [application, try await federated.failure(), try await service.failure()] {
                #expect(failure.code == .refused, "\(failure)")
                for secret in FakeEntra.secrets { #expect(!"\(failure)".contains(secret), "\(failure)") }
            }
        }
    }
}
