import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Managed identities", .timeLimit(.minutes(5)))
struct ManagedIdentityTests {
    private func appService(_ scene: CredentialScene) -> CredentialScene {
        scene.with(["IDENTITY_ENDPOINT": "\(scene.server.url)/msi/token", "IDENTITY_HEADER": FakeEntra.identityHeader])
    }

    private func load(_ scene: CredentialScene, clientID: String? = nil) async throws -> AzureCredentials {
        try await AzureCredentialsChain.managedIdentity(scene.means, clientID: clientID).load()
    }

    private func failure(_ scene: CredentialScene) async throws -> CredentialsError {
        let error = await #expect(throws: CredentialsError.self) { try await load(scene) }
        return try #require(error)
    }

    @Test("The system-assigned identity, and one that is named, of a virtual machine and of App Service")
    func identities() async throws {
        try await CredentialScene.run { scene async throws in
            #expect(try await load(scene).text == "MACHINE.system")
            #expect(try await load(scene, clientID: "c-1").text == "MACHINE.c-1")
            let found = try await load(appService(scene), clientID: "c-1")
            #expect(found.text == "SERVICE.c-1" && found.name == "managed identity c-1")
            #expect(try await load(appService(scene)).name == "the system-assigned managed identity")
            let life = SystemClock().now.duration(to: try #require(found.expires))
            #expect(life > .seconds(86_300) && life <= .seconds(86_400))
        }
    }

    @Test("A machine that is not one of Azure is passed over: nobody answers, or somebody says something else")
    func elsewhere() async throws {
        try await CredentialScene.run { scene async throws in
            let nobody = scene.with(["AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"])
            #expect(try await failure(nobody).code == .notFound)
        }
        for status in [400, 403] {
            try await CredentialScene.run({ _ in FakeEntra.error(status, "invalid_request", "Identity not found") }) { scene async throws in
                let failure = try await failure(scene)
                #expect(failure.code == .notFound && failure.message.contains("Identity not found"), "\(failure)")
                #expect(scene.server.requests.count == 1)
            }
        }
    }

    @Test("A metadata service that fails for a moment is asked again", arguments: [404, 410, 429, 500, 503])
    func passing(_ status: Int) async throws {
        let failures = Countdown(3)
        try await CredentialScene.run({ failures.next() ? .init(status: status) : FakeEntra.answer($0) }) { scene async throws in
            #expect(try await load(scene).text == "MACHINE.system")
            #expect(scene.server.requests.count == 4)
        }
        try await CredentialScene.run({ _ in .init(status: status) }) { scene async throws in
            #expect(try await failure(scene).code == .unavailable)
            #expect(scene.server.requests.count == 5)
        }
    }

    @Test(
        "An answer that is not a token is refused, and nothing of it is told",
        arguments: ["", "{}", "{\"access_token\":\"leaked\"}", "<a/>"])
    func nonsense(_ body: String) async throws {
        try await CredentialScene.run({ _ in .init(body: body) }) { scene async throws in
            let failure = try await failure(scene)
            #expect(failure.code == .invalid && !failure.message.contains("leaked"), "\(failure)")
        }
    }

    @Test("App Service's secret is sent to this machine, to a link-local address, or by TLS, and to nobody else")
    func appServiceHosts() async throws {
        try await CredentialScene.run { scene async throws in
            for endpoint in ["http://example.org/msi", "http://10.0.0.1/msi", "nonsense", "ftp://127.0.0.1/x", "http://169.255.0.1/x"] {
                let failure = try await failure(appService(scene).with(["IDENTITY_ENDPOINT": endpoint]))
                #expect(failure.code == .invalid && failure.message.contains("IDENTITY_ENDPOINT"), "\(failure)")
            }
            for header in ["a\r\nx: y", "ü", "a b"] {
                let failure = try await failure(appService(scene).with(["IDENTITY_HEADER": header]))
                #expect(failure.code == .invalid && !failure.message.contains(header), "\(failure)")
            }
            #expect(try await failure(appService(scene).with(["IDENTITY_SERVER_THUMBPRINT": "AB"])).code == .unsupported)
            #expect(scene.server.requests.isEmpty)
            let wrong = try await failure(appService(scene).with(["IDENTITY_HEADER": "wrong"]))
            #expect(wrong.code == .refused && wrong.message.contains("status 401"), "\(wrong)")
        }
    }

    private func arc(_ scene: CredentialScene, key: String = FakeEntra.agentKey) -> CredentialScene {
        scene.with(
            ["IDENTITY_ENDPOINT": "\(scene.server.url)/arc/token", "IMDS_ENDPOINT": scene.server.url], files: [FakeEntra.agentFile: key])
    }

    @Test("A machine of Azure Arc gets a token for the key in its agent's file, unless it is one of App Service")
    func azureArc() async throws {
        try await CredentialScene.run { scene async throws in
            for key in [FakeEntra.agentKey, "\(FakeEntra.agentKey)\n"] {
                #expect(try await load(arc(scene, key: key)).text == "ARC.system")
            }
            #expect(scene.server.requests.count == 4)
            let both = arc(scene).with(["IDENTITY_ENDPOINT": "\(scene.server.url)/msi/token", "IDENTITY_HEADER": FakeEntra.identityHeader])
            #expect(try await load(both).text == "SERVICE.system")
            for alone in ["IDENTITY_ENDPOINT", "IMDS_ENDPOINT"] {
                #expect(try await load(scene.with([alone: "\(scene.server.url)/arc/token"])).text == "MACHINE.system")
            }
        }
    }

    @Test("What is wrong with the identity of Azure Arc is said, and no key gets into that")
    func badArc() async throws {
        try await CredentialScene.run { scene async throws in
            let wrong = try await failure(arc(scene, key: "another-key-secret"))
            #expect(wrong.code == .refused && !wrong.message.contains("another-key-secret"), "\(wrong)")
            for key in ["", "two words", "ü", String(repeating: "k", count: 4_097)] {
                let failure = try await failure(arc(scene, key: key))
                #expect(failure.code == .invalid && failure.message.contains(FakeEntra.agentFile), "\(failure.message.prefix(200))")
            }
            #expect(try await failure(arc(scene).with(["IDENTITY_ENDPOINT": "http://10.0.0.1/x"])).code == .invalid)
            let named = await #expect(throws: CredentialsError.self) { try await load(arc(scene), clientID: "c-1") }
            #expect(named?.code == .unsupported)
        }
    }

    @Test(
        "Only a key of the agent is read and sent, and only as the scheme Basic has it",
        arguments: [
            ("Basic", "/etc/shadow"), ("Basic", "/var/opt/azcmagent/tokens/../../../etc/x.key"), ("Basic", "/var/opt/azcmagent/tokens/1"),
            ("Basic", "/var/opt/azcmagent/tokens/a/b.key"), ("Basic", "var/opt/azcmagent/tokens/1.key"), ("Basic", ""),
            // What is wrong is as long as what would be right, and a key's name follows.
            ("Basic", "/etc/azcmagent/abcdefghijk.key"), ("Token", FakeEntra.agentFile),
        ])
    func agentFiles(_ scheme: String, _ path: String) async throws {
        try await CredentialScene.run({ _ in
            .init(status: 401, headers: [("WWW-Authenticate", "\(scheme) realm=\(path)")])
        }) { scene async throws in
            let failure = try await failure(arc(scene).with([:], files: [path: "secret"]))
            #expect(failure.code == .invalid && failure.message.contains("does not name a key"), "\(failure)")
            #expect(scene.server.requests.count == 1)
        }
        try await CredentialScene.run({ request in
            request.header("authorization") == nil
                ? .init(status: 401, headers: [("www-authenticate", "basic Realm=\"\(FakeEntra.agentFile)\"")]) : FakeEntra.answer(request)
        }) { scene async throws in
            #expect(try await load(arc(scene)).text == "ARC.system")
        }
    }

    @Test("The metadata service is asked at a loopback or a link-local address alone")
    func metadataHosts() async throws {
        try await CredentialScene.run { scene async throws in
            for host in ["http://example.org", "https://10.0.0.1", "x"] {
                let failure = try await failure(scene.with(["AZURE_POD_IDENTITY_AUTHORITY_HOST": host]))
                #expect(failure.code == .invalid && failure.message.contains("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "\(failure)")
            }
            #expect(scene.server.requests.isEmpty)
        }
    }
}
