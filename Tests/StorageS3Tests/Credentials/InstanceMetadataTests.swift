import MirrorCore
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite(.timeLimit(.minutes(1)))
struct InstanceMetadataTests {
    private func source(_ scene: CredentialScene, clock: any MirrorClock = CredentialScene.clock, _ more: [String: String?] = [:])
        -> InstanceMetadataSource
    {
        let environment = scene.with(["AWS_EC2_METADATA_DISABLED": nil, "AWS_EC2_METADATA_SERVICE_ENDPOINT": scene.server.url]).with(more)
            .environment
        return InstanceMetadataSource(environment: environment, transport: CredentialsTransport(client: scene.client, clock: clock))
    }

    @Test func `the role's credentials come for a token that is asked for first`() async throws {
        try await CredentialScene.run { scene async throws in
            let found = try await source(scene).look()
            let expires = Timestamp(rfc3339: FakeCloud.expiration)
            #expect(
                found
                    == .found(
                        .init(
                            accessKeyID: "INSTANCE", secretAccessKey: FakeCloud.secret, sessionToken: FakeCloud.sessionToken,
                            expires: expires)))
            #expect(expires != nil)
            #expect(
                scene.server.requests.map { "\($0.method) \($0.uri)" } == [
                    "PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                    "GET /latest/meta-data/iam/security-credentials/instance-role",
                ])
        }
    }

    @Test func `version 1, which wants no token, is not asked`() async throws {
        try await CredentialScene.run({ request in
            request.method == "PUT" ? .init(status: 404) : .init(body: request.uri.hasSuffix("/") ? "role" : FakeCloud.document("V1", ""))
        }) { scene async throws in
            guard case .absent(let reason) = try await source(scene).look() else {
                Issue.record("something was found")
                return
            }
            #expect(reason.contains("status 404: it is not a metadata service of version 2"))
            #expect(scene.server.requests.count == 1)
        }
    }

    @Test(arguments: [
        ("PUT", 403, "access to instance metadata is turned off"), ("PUT", 400, "not a metadata service of version 2"),
        ("GET", 404, "the instance has no role"),
    ]) func `a service without credentials is a place without credentials`(_ method: String, _ status: Int, _ reason: String) async throws {
        try await CredentialScene.run({ request in
            request.method == method ? .init(status: status) : FakeCloud.answer(request)
        }) { scene async throws in
            guard case .absent(let said) = try await source(scene).look() else {
                Issue.record("something was found")
                return
            }
            #expect(said.contains(reason), "\(said)")
        }
    }

    @Test func `a machine without such a service is given up after two attempts of a second`() async throws {
        let gate = FakeGate()
        try await CredentialScene.run({ _ in
            try await gate.wait()
            return .init()
        }) { scene async throws in
            let clock = ManualClock()
            async let finding = source(scene, clock: clock, ["AWS_METADATA_SERVICE_TIMEOUT": nil]).look()
            for attempt in 1...2 {
                await clock.sleepers(1)
                clock.advance(by: .milliseconds(999))
                #expect(clock.sleeperCount == 1)
                clock.advance(by: .milliseconds(1))
                if attempt == 1 {
                    // The pause before the next one.
                    await clock.sleepers(1)
                    clock.advance(by: .milliseconds(100))
                }
            }
            guard case .absent(let reason) = try await finding else {
                Issue.record("something was found")
                return
            }
            #expect(reason.contains("gives no answer within 1.0 s (this is not an EC2 instance"), "\(reason)")
            gate.open()
        }
    }

    @Test func `nobody's listening is no error`() async throws {
        try await CredentialScene.run { scene async throws in
            guard case .absent(let reason) = try await source(scene, ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"]).look()
            else {
                Issue.record("something was found")
                return
            }
            #expect(reason.contains("cannot query http://127.0.0.1:1"), "\(reason)")
        }
    }

    @Test func `a service that fails for a moment is asked again, with a new token`() async throws {
        let failures = Countdown(1)
        try await CredentialScene.run({ request in
            request.method == "GET" && failures.next() ? .init(status: 401) : FakeCloud.answer(request)
        }) { scene async throws in
            guard case .found(let found) = try await source(scene).look() else {
                Issue.record("nothing was found")
                return
            }
            #expect(found.accessKeyID == "INSTANCE")
            #expect(scene.server.requests.filter { $0.method == "PUT" }.count == 2)
        }
    }

    @Test func `a service that keeps failing is an error, not a place without credentials`() async throws {
        try await CredentialScene.run({ request in
            request.uri.hasSuffix("instance-role") ? .init(status: 500) : FakeCloud.answer(request)
        }) { scene async throws in
            let error = await #expect(throws: CredentialsError.self) { try await source(scene).look() }
            #expect(error?.code == .unavailable)
        }
    }

    @Test(arguments: [
        (#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "m"}"#, CredentialsError.Code.refused),
        (#"{"Code": "Success"}"#, .invalid), ("", .invalid), ("<html>", .invalid), ("[]", .invalid),
        (#"{"Code": "Success", "AccessKeyId": 1, "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}"#, .invalid),
        (#"{"Code": "Success", "AccessKeyId": "a", "SecretAccessKey": "s", "Token": "t"}"#, .invalid),
        (#"{"Code": "Success", "AccessKeyId": "a", "SecretAccessKey": "s", "Expiration": "2099-01-01T00:00:00Z"}"#, .invalid),
        (#"{"Code": "Success", "AccessKeyId": "a", "SecretAccessKey": "s", "Token": "t", "Expiration": "tomorrow"}"#, .invalid),
        (
            #"{"Code": "Success", "AccessKeyId": "a b", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}"#,
            .invalid
        ),
    ]) func `an answer that is no credentials is refused`(_ body: String, _ code: CredentialsError.Code) async throws {
        try await CredentialScene.run({ request in
            request.uri.hasSuffix("instance-role") ? .init(body: body) : FakeCloud.answer(request)
        }) { scene async throws in
            let error = await #expect(throws: CredentialsError.self) { try await source(scene).look() }
            #expect(error?.code == code, "\(String(describing: error))")
        }
    }

    @Test(arguments: ["TRUE", "true"]) func `it can be turned off`(_ value: String) async throws {
        try await CredentialScene.run { scene async throws in
            #expect(try await source(scene, ["AWS_EC2_METADATA_DISABLED": value]).look() == .absent("AWS_EC2_METADATA_DISABLED is true"))
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test func `an endpoint that is no address, and a mode that is none, are said`() async throws {
        try await CredentialScene.run { scene async throws in
            for variables in [
                ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "nowhere"],
                ["AWS_EC2_METADATA_SERVICE_ENDPOINT": nil, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"],
            ] {
                let error = await #expect(throws: CredentialsError.self) { try await source(scene, variables).look() }
                #expect(error?.code == .invalid && error?.message.contains("AWS_EC2_METADATA_SERVICE_ENDPOINT") == true)
            }
        }
    }
}
