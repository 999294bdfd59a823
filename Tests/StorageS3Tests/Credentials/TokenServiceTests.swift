import Foundation
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

struct TokenServiceTests {
    private func webIdentity(_ scene: CredentialScene, _ more: [String: String?] = [:]) throws -> CredentialScene {
        scene.with([
            "AWS_WEB_IDENTITY_TOKEN_FILE": try scene.write("token", FakeCloud.identityToken + "\n"),
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/web",
        ]).with(more)
    }

    @Test func `a web identity's token is sent unsigned, and read anew each time`() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try webIdentity(scene, ["AWS_ROLE_SESSION_NAME": "me"])
            let chain = scene.chain()
            let found = try await chain.load()
            #expect(
                found.accessKeyID == "WEB.web" && found.secretAccessKey == FakeCloud.secret && found.sessionToken == FakeCloud.sessionToken)
            #expect(found.expires == Timestamp(rfc3339: FakeCloud.expiration))
            let request = try #require(scene.server.requests.first)
            #expect(
                request.form == [
                    "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/web",
                    "RoleSessionName": "me", "WebIdentityToken": FakeCloud.identityToken,
                ])
            #expect(request.header("authorization") == nil)

            try scene.write("token", "another")
            await #expect(throws: CredentialsError.self) { try await chain.load() }
            #expect(scene.server.requests.last?.form["WebIdentityToken"] == "another")
        }
    }

    @Test(
        arguments: [
            (["AWS_ROLE_ARN": nil], "no role"), (["AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"], "/nowhere/token does not exist"),
            (["AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null"], "is empty"),
        ] as [([String: String?], String)]) func `a web identity that lacks something is said`(_ more: [String: String?], _ text: String)
        async throws
    {
        try await CredentialScene.run { scene async throws in
            let failure = try await webIdentity(scene, more).failure()
            #expect(failure.code == .invalid && failure.message.contains(text), "\(failure)")
        }
    }

    @Test func `a role is assumed with the source's credentials and the profile's words`() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config(
                """
                [default]
                role_arn = arn:aws:iam::1:role/r
                source_profile = base
                role_session_name = session
                external_id = an id & more
                duration_seconds = 1800
                region = ap-south-1
                """)
            try scene.credentials("[base]\naws_access_key_id = BASE\naws_secret_access_key = base-secret\naws_session_token = base-token\n")
            #expect(try await scene.keyID() == "ROLE.r.BASE")
            let request = try #require(scene.server.requests.first)
            #expect(
                request.form == [
                    "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "session",
                    "ExternalId": "an id & more", "DurationSeconds": "1800",
                ])
            #expect(request.header("x-amz-security-token") == "base-token")
            #expect(request.header("authorization")?.contains("/ap-south-1/sts/aws4_request") == true)
        }
    }

    @Test(arguments: [
        ("mfa_serial = x\nsource_profile = base", CredentialsError.Code.unsupported, "mfa_serial"),
        ("source_profile = absent", .invalid, "absent does not exist"),
        ("credential_source = Environment", .invalid, "AWS_ACCESS_KEY_ID is not set"),
        ("duration_seconds = 1h\nsource_profile = base", .invalid, "duration_seconds"),
        ("source_profile = empty", .invalid, "empty has no credentials"),
    ]) func `a role that cannot be assumed is said`(_ lines: String, _ code: CredentialsError.Code, _ text: String) async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config("[default]\nrole_arn = arn:aws:iam::1:role/r\n\(lines)\n[profile empty]\nregion = x\n")
            try scene.credentials("[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n")
            let failure = try await scene.failure()
            #expect(failure.code == code && failure.message.contains(text), "\(failure)")
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test(arguments: ["sso_session = s", "sso_start_url = https://x.example.org", "sso_account_id = 1", "login_session = x"])
    func `a profile that a person signs in to is refused with what to do instead`(_ line: String) async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config("[profile work]\n\(line)\n")
            let failure = try await scene.with(["AWS_PROFILE": "work"]).failure()
            #expect(failure.code == .unsupported)
            #expect(failure.message.contains("credential_process = aws configure export-credentials --profile work"), "\(failure)")
        }
    }

    @Test func `what STS refuses is said with its words, and is final`() async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await webIdentity(scene, ["AWS_WEB_IDENTITY_TOKEN_FILE": try scene.write("other", "x.y.z")]).failure()
            #expect(failure.code == .refused)
            #expect(
                failure.message.contains("role arn:aws:iam::1:role/web: \(scene.server.url) answers with status 403, InvalidIdentityToken"))
            // Its message repeats the token.
            #expect(!failure.message.contains("x.y.z"), "\(failure)")
            #expect(scene.server.requests.count == 1)

            try scene.config("[default]\nrole_arn = arn:aws:iam::1:role/forbidden\nsource_profile = base\n")
            try scene.credentials("[base]\naws_access_key_id = BASE\naws_secret_access_key = base-secret\n")
            let denied = try await scene.failure()
            #expect(denied.code == .refused && denied.message.contains("AccessDenied: User: arn:aws:iam::1:user/u is not authorized"))
        }
    }

    /// When a request was signed.
    private static func signed(_ request: ScriptedServer.Request) -> Timestamp? {
        guard let parts = request.header("x-amz-date")?.wholeMatch(of: /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/) else { return nil }
        return Timestamp(rfc3339: "\(parts.1)-\(parts.2)-\(parts.3)T\(parts.4):\(parts.5):\(parts.6)Z")
    }

    @Test(arguments: [-7_200, 3_600]) func `a role is assumed with the time of STS if the clock is off`(_ seconds: Int) async throws {
        let script: ScriptedServer.Script = { request in
            let now = SystemClock().now
            let off = Self.signed(request)?.duration(to: now) ?? .zero
            guard off > .seconds(900) || off < .seconds(-900) else { return FakeCloud.answer(request) }
            var refusal = FakeCloud.error("SignatureDoesNotMatch", "Signature expired")
            refusal.headers.append(("Date", now.httpDate))
            return refusal
        }
        try await CredentialScene.run(script) { scene async throws in
            var early = scene
            early.clock = HastyClock(shortestLimit: .seconds(2), ahead: .seconds(seconds))
            try scene.config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n")
            try scene.credentials("[base]\naws_access_key_id = BASE\naws_secret_access_key = base-secret\n")
            let found = try await early.keyID()
            #expect(found == "ROLE.r.BASE")
            #expect(scene.server.requests.count == 2)
        }
    }

    @Test func `an STS that fails for a moment is asked again`() async throws {
        let failures = Countdown(1)
        try await CredentialScene.run({ request in
            failures.next() ? FakeCloud.error("IDPCommunicationError", "later", status: 400) : FakeCloud.answer(request)
        }) { scene async throws in
            #expect(try await webIdentity(scene).keyID() == "WEB.web")
            #expect(scene.server.requests.count == 2)
        }
    }

    @Test(arguments: [
        "", "<html/>", "{}", "<AssumeRoleWithWebIdentityResponse/>", FakeCloud.credentials("AssumeRole", "X").body,
        FakeCloud.credentials("AssumeRoleWithWebIdentity", "").body, FakeCloud.credentials("AssumeRoleWithWebIdentity", "a b").body,
        FakeCloud.credentials("AssumeRoleWithWebIdentity", "X").body.replacingOccurrences(of: FakeCloud.expiration, with: ""),
        FakeCloud.credentials("AssumeRoleWithWebIdentity", "X").body.replacingOccurrences(of: FakeCloud.sessionToken, with: ""),
    ]) func `an answer that is no credentials is refused`(_ body: String) async throws {
        try await CredentialScene.run({ _ in .init(body: body) }) { scene async throws in
            let failure = try await webIdentity(scene).failure()
            #expect(failure.code == .invalid, "\(failure)")
        }
    }

    @Test(
        arguments: [
            ([:], "eu-central-1", "https://sts.eu-central-1.amazonaws.com"),
            (["AWS_REGION": "cn-north-1"], nil, "https://sts.cn-north-1.amazonaws.com.cn"),
            ([:], nil, "https://sts.amazonaws.com"), (["AWS_ENDPOINT_URL": "http://127.0.0.1:1"], "x", "http://127.0.0.1:1"),
            (["AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:2"], "x", "http://127.0.0.1:2"),
            (
                ["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"], "eu-west-1",
                "https://sts.eu-west-1.amazonaws.com"
            ),
        ] as [([String: String], String?, String)]) func `STS is asked where the region or a variable says`(
            _ environment: [String: String], _ region: String?, _ url: String
        ) async throws
    {
        try await CredentialScene.run { scene async throws in
            let service = SecurityTokenService(environment: environment, region: region, transport: scene.transport)
            #expect(try service.endpoint(service.effectiveRegion(nil)).service == url)
        }
    }
}
