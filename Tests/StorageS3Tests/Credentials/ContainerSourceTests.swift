import StorageCloud
import TestServers
import Testing

@testable import StorageS3

struct ContainerSourceTests {
    private func source(_ scene: CredentialScene, _ variables: [String: String?]) -> ContainerSource {
        ContainerSource(environment: scene.with(variables).environment, files: .system, transport: scene.transport, agent: scene.server.url)
    }

    private func keyID(_ source: ContainerSource) async throws -> String? {
        guard case .found(let found) = try await source.look() else { return nil }
        return found.accessKeyID
    }

    @Test func `a relative address leads to the agent, and counts more than a full one`() async throws {
        try await CredentialScene.run { scene async throws in
            let variables = [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/agent", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": FakeCloud.agentToken,
            ]
            #expect(try await keyID(source(scene, variables)) == "CONTAINER")
            #expect(ContainerSource(environment: [:], files: .system, transport: scene.transport).agent == "http://169.254.170.2")
        }
    }

    @Test func `the token's file is read anew each time, and counts more than the variable`() async throws {
        try await CredentialScene.run { scene async throws in
            let path = try scene.write("agent-token", FakeCloud.agentToken)
            let source = source(
                scene,
                [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(scene.server.url)/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path,
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong",
                ])
            #expect(try await keyID(source) == "CONTAINER")
            try scene.write("agent-token", "changed")
            let error = await #expect(throws: CredentialsError.self) { try await source.look() }
            #expect(error?.code == .refused)
            #expect(scene.server.requests.map { $0.header("authorization") } == [FakeCloud.agentToken, "changed"])
        }
    }

    @Test(arguments: ["token\n", "token\r\nX-Other: 1", "to\u{0}ken", "tök"]) func `a token that would break the header is refused`(
        _ token: String
    ) async throws {
        try await CredentialScene.run { scene async throws in
            for variables in [
                ["AWS_CONTAINER_AUTHORIZATION_TOKEN": token],
                ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": try scene.write("agent-token", token)],
            ] {
                let all = variables.merging(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/agent"]) { $1 }
                let error = await #expect(throws: CredentialsError.self) { try await source(scene, all).look() }
                #expect(error?.code == .invalid && error?.message.contains("line break") == true, "\(String(describing: error))")
            }
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test(arguments: [
        "http://169.254.169.254/x", "http://example.org/x", "http://10.0.0.1/", "http://169.254.170.3/", "http://[fd00:ec2::24]/",
        "http://localhost.example.org/", "ftp://127.0.0.1/", "127.0.0.1",
    ]) func `a full address without TLS must not lead away from the machine`(_ url: String) async throws {
        try await CredentialScene.run { scene async throws in
            let error = await #expect(throws: CredentialsError.self) {
                try await source(scene, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]).look()
            }
            #expect(error?.code == .invalid && error?.message.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") == true)
        }
    }

    /// None of them answers here; that they were asked is what counts.
    @Test(arguments: [
        "https://127.0.0.1:1/", "http://localhost:1/", "http://127.1.2.3:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/",
    ])
    func `loopback addresses may be asked, and others with TLS`(_ url: String) async throws {
        try await CredentialScene.run { scene async throws in
            let error = await #expect(throws: CredentialsError.self) {
                try await source(scene, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]).look()
            }
            #expect(error?.code == .unavailable, "\(String(describing: error))")
        }
    }

    @Test func `a relative address must be one`() async throws {
        try await CredentialScene.run { scene async throws in
            let error = await #expect(throws: CredentialsError.self) {
                try await source(scene, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@example.org/"]).look()
            }
            #expect(error?.code == .invalid)
        }
    }

    @Test func `an agent that fails for a moment is asked again, and an error's text shows no path`() async throws {
        let failures = Countdown(2)
        try await CredentialScene.run({ _ in failures.next() ? .init(status: 503) : .init(status: 404, body: "no such thing") }) {
            scene async throws in
            let error = await #expect(throws: CredentialsError.self) {
                try await source(scene, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/a-secret-path"]).look()
            }
            #expect(error?.code == .refused)
            #expect(error?.message == "\(scene.server.url) answers with status 404")
            #expect(scene.server.requests.count == 3)
        }
    }
}
