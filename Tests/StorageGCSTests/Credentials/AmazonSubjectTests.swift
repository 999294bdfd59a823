import MirrorCore
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("A role of AWS as a token", .timeLimit(.minutes(5)))
struct AmazonSubjectTests {
    private static let source: [String: JSONValue] = [
        "environment_id": .string("aws1"),
        "regional_cred_verification_url": .string("https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"),
        "region_url": .string("http://169.254.169.254/latest/meta-data/placement/availability-zone"),
        "url": .string("http://169.254.169.254/latest/meta-data/iam/security-credentials"),
        "imdsv2_session_token_url": .string("http://169.254.169.254/latest/api/token"),
    ]

    private static let environment: [String: String?] = [
        "AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "elsewhere", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "aws-secret",
        "AWS_SESSION_TOKEN": "the-session",
    ]

    @Test("It is a request that says who signed it, with the audience under the signature")
    func signed() async throws {
        try await CredentialScene.run(clock: ManualClock()) { scene async throws in
            let fields = try JSONFields(JSONValue.object(Self.source).encoded, of: "it")
            let request = SubjectRequest(audience: "//iam.googleapis.com/x", type: "aws4_request", account: nil)
            let token = try await AmazonSubject(fields).token(for: request, scene.with(Self.environment).context)
            let decoded = try #require(PercentCoding.decode(token))
            let document = try #require(JSONValue(parsing: decoded.utf8))
            #expect(document["url"]?.string == "https://sts.us-east-2.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15")
            #expect(document["method"]?.string == "POST")
            guard case .array(let list)? = document["headers"] else {
                Issue.record("no headers")
                return
            }
            let headers = Dictionary(list.map { ($0["key"]?.string ?? "", $0["value"]?.string ?? "") }) { first, _ in first }
            // Computed with Python's hmac.
            let signature = "5220abeb5e0839d3768b5b19cb801a8260964da82357c33bb1b2c445608220a8"
            #expect(
                headers == [
                    "host": "sts.us-east-2.amazonaws.com", "x-amz-date": "20231114T221320Z", "x-amz-security-token": "the-session",
                    "x-goog-cloud-target-resource": "//iam.googleapis.com/x",
                    "Authorization":
                        "AWS4-HMAC-SHA256 Credential=AKID/20231114/us-east-2/sts/aws4_request, "
                        + "SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource, Signature=\(signature)",
                ])
            #expect(!token.contains("aws-secret"))
        }
    }

    @Test("It is exchanged for a token")
    func exchanged() async throws {
        try await CredentialScene.run { scene async throws in
            let document = FakeGoogle.external(scene, Self.source)
                .with("subject_token_type", .string("urn:ietf:params:aws:token-type:aws4_request"))
            #expect(try await scene.with(Self.environment).load(document).token == "FEDERATED.aws4_request")
        }
    }

    /// When the request that is the token of an exchange was signed.
    private static func signed(_ request: ScriptedServer.Request) -> Timestamp? {
        guard let token = request.form["subject_token"].flatMap({ PercentCoding.decode($0) }),
            case .array(let headers)? = JSONValue(parsing: token.utf8)?["headers"],
            let text = headers.first(where: { $0["key"]?.string == "x-amz-date" })?["value"]?.string,
            let parts = text.wholeMatch(of: /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/)
        else { return nil }
        return Timestamp(rfc3339: "\(parts.1)-\(parts.2)-\(parts.3)T\(parts.4):\(parts.5):\(parts.6)Z")
    }

    @Test("It is signed again with the service's time when the clock is off", arguments: [-3_600, 3_600])
    func clock(_ seconds: Int) async throws {
        let script: ScriptedServer.Script = { request in
            let now = SystemClock().now
            let off = Self.signed(request)?.duration(to: now) ?? .seconds(1 << 30)
            var answer = FakeGoogle.answer(request)
            if off > .seconds(900) || off < .seconds(-900) { answer = FakeGoogle.refusal("invalid_grant", "Invalid token") }
            answer.headers.append(("Date", now.httpDate))
            return answer
        }
        let clock = HastyClock(shortestLimit: .seconds(2), ahead: .seconds(seconds))
        try await CredentialScene.run(script, clock: clock) { scene async throws in
            let document = FakeGoogle.external(scene, Self.source)
                .with("subject_token_type", .string("urn:ietf:params:aws:token-type:aws4_request"))
            let found = try await scene.with(Self.environment).load(document)
            #expect(found.token == "FEDERATED.aws4_request")
        }
    }

    // MARK: The metadata service

    /// - Parameter session: What callers must have got from it before.
    private static func answer(_ request: ScriptedServer.Request, session: String? = "session-secret") -> ScriptedServer.Answer {
        if request.method == "PUT", request.uri == "/latest/api/token" {
            let hasLife = request.header("x-aws-ec2-metadata-token-ttl-seconds") == "300"
            return hasLife ? .init(body: "session-secret") : .init(status: 400)
        }
        guard request.method == "GET", request.header("x-aws-ec2-metadata-token") == session else { return .init(status: 401) }
        switch request.uri {
        case "/latest/meta-data/iam/security-credentials": return .init(body: "role-1")
        case "/latest/meta-data/iam/security-credentials/role-1":
            return .init(body: #"{"Code": "Success", "AccessKeyId": "MACHINE", "SecretAccessKey": "s", "Token": "its-token"}"#)
        case "/latest/meta-data/placement/availability-zone": return .init(body: "eu-north-1b")
        default: return .init(status: 404)
        }
    }

    /// The request that is the token of a machine whose metadata service is the scene's server.
    private func token(_ scene: CredentialScene, without member: String? = nil) async throws -> JSONValue {
        var source = Self.source.mapValues { value in
            value.string.map { JSONValue.string($0.replacing("http://169.254.169.254", with: scene.server.url)) } ?? value
        }
        if let member { source[member] = nil }
        let subject = try AmazonSubject(try JSONFields(JSONValue.object(source).encoded, of: "it"), hosts: ["127.0.0.1"])
        let request = SubjectRequest(audience: "//iam.googleapis.com/x", type: "aws4_request", account: nil)
        let token = try await subject.token(for: request, scene.context)
        let decoded = try #require(PercentCoding.decode(token))
        return try #require(JSONValue(parsing: decoded.utf8))
    }

    private func header(_ name: String, in document: JSONValue) -> String? {
        guard case .array(let list)? = document["headers"] else { return nil }
        return list.first { $0["key"]?.string == name }?["value"]?.string
    }

    @Test("A machine's role and region come from its metadata service, by version 2 of its protocol")
    func machine() async throws {
        try await CredentialScene.run({ Self.answer($0) }) { scene async throws in
            let document = try await token(scene)
            #expect(document["url"]?.string == "https://sts.eu-north-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15")
            #expect(header("x-amz-security-token", in: document) == "its-token")
            #expect(header("Authorization", in: document)?.contains("Credential=MACHINE/") == true)
            #expect(header("Authorization", in: document)?.contains("/eu-north-1/sts/aws4_request") == true)
            #expect(scene.server.requests.map(\.method) == ["PUT", "GET", "GET", "GET"])
        }
    }

    @Test("What the environment says is not asked for")
    func partOfEnvironment() async throws {
        try await CredentialScene.run({ Self.answer($0) }) { scene async throws in
            let document = try await token(scene.with(["AWS_DEFAULT_REGION": "us-east-2"]))
            #expect(document["url"]?.string?.hasPrefix("https://sts.us-east-2.amazonaws.com") == true)
            #expect(scene.server.requests.count == 3)
            let keys: [String: String?] = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "aws-secret"]
            let other = try await token(scene.with(keys))
            #expect(header("Authorization", in: other)?.contains("Credential=AKID/") == true)
            #expect(header("x-amz-security-token", in: other) == nil)
            #expect(scene.server.requests.count == 5)
            _ = try await token(scene.with(keys).with(["AWS_REGION": "us-east-2"]))
            #expect(scene.server.requests.count == 5)
        }
    }

    @Test("Where no session is asked for, none is needed, and one that has ended is replaced")
    func sessions() async throws {
        try await CredentialScene.run({ Self.answer($0, session: nil) }) { scene async throws in
            _ = try await token(scene, without: "imdsv2_session_token_url")
            #expect(scene.server.requests.map(\.method) == ["GET", "GET", "GET"])
        }
        let failures = Countdown(1)
        try await CredentialScene.run({ request in
            request.uri.hasSuffix("role-1") && failures.next() ? .init(status: 401) : Self.answer(request)
        }) { scene async throws in
            _ = try await token(scene)
            #expect(scene.server.requests.count { $0.method == "PUT" } == 2)
        }
    }

    @Test(
        "Nobody else is asked for keys, and nobody else verifies them",
        arguments: [
            ("environment_id", "aws2", "environment_id"), ("region_url", "http://169.254.169.253/x", "region_url"),
            ("url", "http://evil.example/x", "url"), ("imdsv2_session_token_url", "https://evil.example/", "imdsv2_session_token_url"),
            ("regional_cred_verification_url", "https://sts.{region}.evil.example", "AWS STS"),
            ("regional_cred_verification_url", "http://sts.{region}.amazonaws.com", "AWS STS"),
            ("regional_cred_verification_url", "https://evil.example/sts.{region}.amazonaws.com", "AWS STS"),
            ("regional_cred_verification_url", "https://evil-sts.amazonaws.com.example/", "AWS STS"),
        ])
    func elsewhere(_ member: String, _ value: String, _ words: String) async throws {
        try await CredentialScene.run { scene async throws in
            var source = Self.source
            source[member] = .string(value)
            let failure = try await scene.with(Self.environment).failure(FakeGoogle.external(scene, source))
            #expect([.invalid, .unsupported].contains(failure.code) && failure.message.contains(words), "\(failure)")
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test("A region that is none is not part of an address", arguments: ["a.b", "a/b", "ü", String(repeating: "a", count: 33)])
    func region(_ region: String) async throws {
        try await CredentialScene.run { scene async throws in
            let scene = scene.with(Self.environment).with(["AWS_REGION": region])
            let failure = try await scene.failure(FakeGoogle.external(scene, Self.source))
            #expect(failure.code == .invalid && failure.message.contains("region"), "\(failure)")
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test("Without an address to ask, the environment must say it", arguments: ["region_url", "url"])
    func missing(_ member: String) async throws {
        try await CredentialScene.run { scene async throws in
            var source = Self.source
            source[member] = nil
            source["imdsv2_session_token_url"] = nil
            let scene = scene.with(
                member == "url"
                    ? ["AWS_REGION": "us-east-2"] : ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "aws-secret"])
            let failure = try await scene.failure(FakeGoogle.external(scene, source))
            #expect(failure.code == .invalid && failure.message.hasPrefix("neither AWS_"), "\(failure)")
        }
    }
}
