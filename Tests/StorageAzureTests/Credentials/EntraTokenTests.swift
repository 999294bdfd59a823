import MirrorCore
import NIOHTTP1
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Tokens of Entra ID", .timeLimit(.minutes(5)))
struct EntraTokenTests {
    private func application(_ scene: CredentialScene) -> CredentialScene {
        scene.with([
            "AZURE_TENANT_ID": FakeEntra.tenant, "AZURE_CLIENT_ID": FakeEntra.client, "AZURE_CLIENT_SECRET": FakeEntra.secret,
        ])
    }

    @Test("An application with a secret asks for the storage service in general, and for as long as the token lasts")
    func secret() async throws {
        try await CredentialScene.run { scene async throws in
            let before = SystemClock().now
            let found = try await application(scene).found()
            #expect(found.text == "SECRET.\(FakeEntra.client)")
            #expect(found.name == "application \(FakeEntra.client)")
            let life = before.duration(to: try #require(found.expires))
            #expect(life >= .seconds(3_599) && life < .seconds(3_700))
            let request = try #require(scene.server.requests.first)
            #expect(
                request.form == [
                    "grant_type": "client_credentials", "client_id": FakeEntra.client, "client_secret": FakeEntra.secret,
                    "scope": "https://storage.azure.com/.default",
                ])
            #expect(request.header("content-type") == "application/x-www-form-urlencoded")
            #expect(request.header("authorization") == nil)
        }
    }

    @Test("A certificate sends a statement, addressed to whoever is asked; AD FS is asked at another place, with another signature")
    func certificate() async throws {
        let files = ["/c.pem": try TestCertificate.pem()]
        try await CredentialScene.run { scene async throws in
            for (tenant, path, algorithm) in [
                (FakeEntra.tenant, "/\(FakeEntra.tenant)/oauth2/v2.0/token", "PS256"), ("adfs", "/adfs/oauth2/token", "RS256"),
            ] {
                let variables: [String: String?] = [
                    "AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": FakeEntra.client, "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
                ]
                #expect(try await scene.with(variables, files: files).found().text == "CERTIFICATE.\(FakeEntra.client)")
                let request = try #require(scene.server.requests.last)
                #expect(request.uri == path)
                let parts = request.form["client_assertion"]?.split(separator: ".") ?? []
                #expect(parts.count == 3)
                let texts = parts.prefix(2).compactMap { Base64.decode(String($0)) }.compactMap { JSONValue(parsing: $0) }
                guard case .object(let header)? = texts.first, case .object(let claims)? = texts.last else { throw CancellationError() }
                #expect(header["alg"] == .string(algorithm))
                #expect(claims["aud"] == .string("\(scene.server.url)\(path)"))
            }
        }
    }

    private func withCertificate(_ scene: CredentialScene) throws -> CredentialScene {
        scene.with(
            [
                "AZURE_TENANT_ID": FakeEntra.tenant, "AZURE_CLIENT_ID": FakeEntra.client, "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
            ], files: ["/c.pem": try TestCertificate.pem()])
    }

    @Test(
        "The environment says whether the certificates are sent",
        arguments: [("1", true), ("true", true), ("True", true), ("0", false), ("", false), (nil, false)] as [(String?, Bool)])
    func chain(_ value: String?, _ isSent: Bool) async throws {
        try await CredentialScene.run { scene async throws in
            _ = try await withCertificate(scene).with(["AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": value]).found()
            let header = scene.server.requests.first?.form["client_assertion"]?.split(separator: ".").first
            let fields = header.flatMap { Base64.decode(String($0)) }.flatMap { JSONValue(parsing: $0) }
            #expect(fields?["alg"] == .string("PS256"))
            #expect((fields?["x5c"] != nil) == isSent)
        }
    }

    /// When the statement in a request begins, in seconds since 1970.
    private static func begin(of request: ScriptedServer.Request) -> Int64? {
        let parts = request.form["client_assertion"]?.split(separator: ".") ?? []
        guard parts.count == 3, let bytes = Base64.decode(String(parts[1])),
            case .integer(let seconds)? = JSONValue(parsing: bytes)?["nbf"]
        else { return nil }
        return seconds
    }

    @Test("A statement that is refused because this machine's clock is off is made again with Entra's time", arguments: [-3_600, 3_600])
    func clock(_ seconds: Int) async throws {
        let script: ScriptedServer.Script = { request in
            let now = SystemClock().now
            guard let begin = Self.begin(of: request), abs(begin - now.milliseconds / 1_000) > 300 else { return FakeEntra.answer(request) }
            var refusal = FakeEntra.error(401, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")
            refusal.headers.append(("Date", now.httpDate))
            return refusal
        }
        try await CredentialScene.run(script) { scene async throws in
            var early = try withCertificate(scene)
            early.clock = HastyClock(shortestLimit: .seconds(1), ahead: .seconds(seconds))
            let found = try await early.found()
            #expect(found.text == "CERTIFICATE.\(FakeEntra.client)")
            #expect(scene.server.requests.count == 2)
        }
    }

    @Test("A refusal is final when the clock is right, or nobody says that it is off", arguments: [true, false])
    func rightClock(_ isDated: Bool) async throws {
        let script: ScriptedServer.Script = { _ in
            var refusal = FakeEntra.error(401, "invalid_client")
            if isDated { refusal.headers.append(("Date", SystemClock().now.httpDate)) }
            return refusal
        }
        try await CredentialScene.run(script) { scene async throws in
            #expect(try await withCertificate(scene).failure().code == .refused)
            #expect(scene.server.requests.count == 1)
        }
    }

    @Test(
        "However wrong the clock is, nothing but a refusal is answered with another request",
        arguments: [(200, 1), (302, 1), (399, 1), (400, 2), (499, 2), (500, 1), (503, 1)])
    func refusalsAlone(_ status: Int, _ requests: Int) async throws {
        let script: ScriptedServer.Script = { _ in
            .init(status: status, headers: [("Date", (SystemClock().now + .seconds(3_600)).httpDate)])
        }
        try await CredentialScene.run(script) { scene async throws in
            let (transport, url) = (scene.transport, try ArtifactURL(scene.server.url))
            let answer = try await transport.answerInTime { _ in try await transport.answer(.POST, url, timeout: .seconds(10)) }
            #expect(answer.status == status)
            #expect(scene.server.requests.count == requests)
        }
    }

    @Test("A pod's token is read anew each time")
    func workload() async throws {
        try await CredentialScene.run { scene async throws in
            let variables: [String: String?] = [
                "AZURE_TENANT_ID": FakeEntra.tenant, "AZURE_CLIENT_ID": FakeEntra.client, "AZURE_FEDERATED_TOKEN_FILE": "/token",
            ]
            for token in [FakeEntra.federatedToken, "another.token.x"] {
                let scene = scene.with(variables, files: ["/token": "\(token)\n"])
                _ = try await scene.found()
                #expect(scene.server.requests.last?.form["client_assertion"] == token)
                let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                #expect(scene.server.requests.last?.form["client_assertion_type"] == type)
            }
            for text in ["", "\n", "two words", "a\u{0}b", String(repeating: "x", count: 70_000)] {
                let failure = try await scene.with(variables, files: ["/token": text]).failure()
                #expect(failure.code == .invalid && failure.message.contains("/token"), "\(failure.message.prefix(200))")
            }
            #expect(try await scene.with(variables).failure().message.contains("does not exist"))
            #expect(try await scene.with(variables).with(["AZURE_CLIENT_ID": nil], files: ["/token": "x"]).failure().code == .invalid)
        }
    }

    @Test("What Entra refuses is said with its words, without the secret that they may repeat, and is final")
    func refused() async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await application(scene).with(["AZURE_CLIENT_SECRET": "the-wrong-secret"]).failure()
            #expect(failure.code == .refused)
            #expect(failure.message.contains("\(scene.server.url) answers with status 401, invalid_client"), "\(failure)")
            #expect(!failure.message.contains("the-wrong-secret") && !failure.message.contains(FakeEntra.tenant))
            #expect(scene.server.requests.count == 1)
        }
        try await CredentialScene.run({ _ in FakeEntra.error(400, "unauthorized_client") }) { scene async throws in
            let failure = try await application(scene).failure()
            #expect(failure.message.hasSuffix("status 400, unauthorized_client: AADSTS1: No."), "\(failure)")
        }
    }

    @Test(
        "Failures that pass are waited out, three times", arguments: [(500, ""), (429, "x"), (408, ""), (400, "temporarily_unavailable")])
    func passing(_ status: Int, _ code: String) async throws {
        let failures = Countdown(2)
        try await CredentialScene.run({ request in
            failures.next() ? FakeEntra.error(status, code) : FakeEntra.answer(request)
        }) { scene async throws in
            #expect(try await application(scene).found().text == "SECRET.\(FakeEntra.client)")
            #expect(scene.server.requests.count == 3)
        }
        try await CredentialScene.run({ _ in FakeEntra.error(status, code) }) { scene async throws in
            #expect(try await application(scene).failure().code == .unavailable)
            #expect(scene.server.requests.count == 3)
        }
    }

    @Test(
        "An answer that is not a token is refused, and nothing of it is told",
        arguments: [
            "", "[]", "{}", "null", "<html/>", "{\"access_token\":\"\"", "{\"access_token\":5,\"expires_in\":60}",
            "{\"access_token\":[\"leaked\"],\"expires_in\":60}", "{\"access_token\":\"\",\"expires_in\":60}",
            "{\"access_token\":\"leaked here\",\"expires_in\":60}", "{\"access_token\":\"leaked\\r\\nx: y\",\"expires_in\":60}",
            "{\"access_token\":\"leaked\"}", "{\"access_token\":\"leaked\",\"expires_in\":0}",
            "{\"access_token\":\"leaked\",\"expires_in\":-5}", "{\"access_token\":\"leaked\",\"expires_in\":\"soon\"}",
            "{\"access_token\":\"leaked\",\"expires_in\":9e99}", "{\"access_token\":\"leaked\",\"expires_in\":99999999999}",
            "{\"access_token\":\"leaked\",\"expires_on\":\"2026-01-31\"}", "{\"access_token\":\"leaked\",\"expires_on\":0}",
            "{\"access_token\":\"leaked\",\"expires_in\":60,\"token_type\":\"mac\"}",
        ])
    func badDocuments(_ text: String) throws {
        let error = #expect(throws: CredentialsError.self) { try TokenDocument.parse(Array(text.utf8), at: SystemClock().now) }
        #expect(error?.code == .invalid && error?.message.contains("leaked") == false)
    }

    @Test("Numbers may be texts; what is left counts more than when it ends")
    func documents() throws {
        let now = Timestamp(milliseconds: 1_769_860_800_000)
        for (text, seconds) in [
            ("{\"access_token\":\"t\",\"expires_in\":60}", 60), ("{\"access_token\":\"t\",\"expires_in\":\"60\"}", 60),
            ("{\"access_token\":\"t\",\"expires_in\":60,\"expires_on\":5,\"token_type\":\"bearer\",\"x\":{}}", 60),
            ("{\"access_token\":\"t\",\"expires_on\":\"1769860830\"}", 30), ("{\"access_token\":\"t\",\"expires_on\":1769860830}", 30),
        ] {
            let token = try TokenDocument.parse(Array(text.utf8), at: now)
            #expect(token.text == "t" && token.expires == now + .seconds(seconds), "\(text)")
        }
    }

    @Test("An answer without an end is not read to it, and one that never comes is not waited for")
    func endless() async throws {
        let endless = FakeEntra.document(String(repeating: "x", count: 4 << 20))
        try await CredentialScene.run({ _ in .init(body: endless) }) { scene async throws in
            let failure = try await application(scene).failure()
            #expect(failure.code == .unavailable && !failure.message.contains("xxx"), "\(failure.message.prefix(200))")
        }
        try await CredentialScene.run({ _ in throw CancellationError() }) { scene async throws in
            #expect(try await application(scene).failure().code == .unavailable)
        }
    }

    @Test(
        "Secrets go to the authority of the cloud, or to another one by TLS",
        arguments: [
            (nil, "https://login.example.org/t/oauth2/v2.0/token"),
            ("login.microsoftonline.us", "https://login.microsoftonline.us/t/oauth2/v2.0/token"),
            ("https://login.chinacloudapi.cn/", "https://login.chinacloudapi.cn/t/oauth2/v2.0/token"),
            ("http://127.0.0.1:5", "http://127.0.0.1:5/t/oauth2/v2.0/token"), ("http://login.example.com", nil),
            ("http://169.254.169.254", nil), ("https://login.example.com/x", nil), ("https://login.example.com?x", nil), ("ftp://x", nil),
            ("https://user@x", nil), ("https://a b", nil),
        ] as [(String?, String?)])
    func authorities(_ variable: String?, _ expected: String?) async throws {
        try await CredentialScene.run { scene async throws in
            let service = scene.with(["AZURE_AUTHORITY_HOST": variable]).tokenService
            let client = try EntraTokenService.Client(tenantID: "t", clientID: "c", names: ("tenantID", "clientID"))
            guard let expected else {
                let error = #expect(throws: CredentialsError.self) { try service.address(of: client) }
                #expect(error?.code == .invalid && error?.message.contains("AZURE_AUTHORITY_HOST") == true)
                return
            }
            #expect(try service.address(of: client).description == expected)
        }
    }
}
