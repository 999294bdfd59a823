import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Workload identity federation", .timeLimit(.minutes(5)))
struct ExternalAccountTests {
    private static func failure(_ scene: CredentialScene, _ source: [String: JSONValue]) async throws -> CredentialsError {
        try await scene.failure(FakeGoogle.external(scene, source))
    }

    // MARK: Files and addresses

    @Test("A token stands in a file as it is, or as a member of a JSON object; the file is read anew each time")
    func file() async throws {
        try await CredentialScene.run { scene async throws in
            let path = try scene.write("subject", "old")
            let plain = FakeGoogle.external(scene, ["file": .string(path)])
            #expect(try await scene.failure(plain).code == .refused)
            try scene.write("subject", "\n\(FakeGoogle.subjectToken)\r\n")
            #expect(try await scene.load(plain).token == "FEDERATED.jwt")
            try scene.write("subject", #"{"id_token": "\#(FakeGoogle.subjectToken)", "other": 1}"#)
            let json = FakeGoogle.external(
                scene,
                [
                    "file": .string(path),
                    "format": .object(["type": .string("json"), "subject_token_field_name": .string("id_token")]),
                ])
            #expect(try await scene.load(json).token == "FEDERATED.jwt")
        }
    }

    @Test("What is wrong with a file is said without what is in it")
    func badFile() async throws {
        try await CredentialScene.run { scene async throws in
            let path = try scene.write("subject", FakeGoogle.subjectToken)
            for (format, words) in [
                (["type": "json"], "no subject_token_field_name"), (["type": "xml"], "neither text nor json"),
                (["type": "json", "subject_token_field_name": "a"], "is not a JSON object"),
            ] as [([String: String], String)] {
                let source: [String: JSONValue] = ["file": .string(path), "format": .object(format.mapValues { .string($0) })]
                let failure = try await Self.failure(scene, source)
                #expect(failure.message.contains(words) && !failure.message.contains(FakeGoogle.subjectToken), "\(failure)")
            }
            #expect(try await Self.failure(scene, ["file": .string("/nowhere/subject")]).message.contains("does not exist"))
            let empty = try scene.write("empty", " \n")
            #expect(try await Self.failure(scene, ["file": .string(empty)]).message.contains("is empty"))
            #expect(scene.server.requests.isEmpty)
        }
    }

    @Test("A token comes from an address, with the fields that belong to it")
    func address() async throws {
        try await CredentialScene.run { scene async throws in
            let source: [String: JSONValue] = [
                "url": .string("\(scene.server.url)/subject"), "headers": .object(["X-Secret": .string(FakeGoogle.clientSecret)]),
                "format": .object(["type": .string("json"), "subject_token_field_name": .string("value")]),
            ]
            #expect(try await scene.load(FakeGoogle.external(scene, source)).token == "FEDERATED.jwt")
            var refused = source
            refused["headers"] = .object([:])
            #expect(try await Self.failure(scene, refused).code == .refused)
        }
    }

    @Test(
        "An address without TLS is one of this machine or of its metadata service",
        arguments: [
            ("http://127.0.0.1:8080/t", true), ("http://localhost/t", true), ("http://[::1]/t", true), ("http://169.254.169.254/t", true),
            ("http://169.254.170.2/t", true), ("http://metadata.google.internal/t", true), ("https://identity.example.org/t", true),
            ("http://[::ffff:127.0.0.1]/t", true), ("http://identity.example.org/t", false), ("http://10.0.0.1/t", false),
            ("ftp://localhost/t", false), ("nonsense", false),
        ])
    func addresses(_ text: String, _ isTaken: Bool) throws {
        if isTaken {
            _ = try SubjectAddress.address(text, named: "url")
        } else {
            #expect(throws: CredentialsError.self) { try SubjectAddress.address(text, named: "url") }
        }
    }

    @Test("Fields that are none of HTTP are refused", arguments: [("a b", "c"), ("a", "b\r\nc: d"), ("", "x"), ("a", "ü")])
    func fields(_ name: String, _ value: String) async throws {
        try await CredentialScene.run { scene async throws in
            let source: [String: JSONValue] = [
                "url": .string("\(scene.server.url)/subject"), "headers": .object([name: .string(value)]),
            ]
            #expect(try await Self.failure(scene, source).code == .invalid)
            #expect(scene.server.requests.isEmpty)
        }
    }

    // MARK: Programs

    private static func program(_ command: String, file: String? = nil) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["command": .string(command), "timeout_millis": .integer(30_000)]
        if let file { members["output_file"] = .string(file) }
        return ["executable": .object(members)]
    }

    private static func answer(_ more: String = "", token: String = FakeGoogle.subjectToken) -> String {
        #"{"version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:jwt", "id_token": "\#(token)"\#(more)}"#
    }

    private static let allowed = ["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"]

    @Test("A program gives out a token, if the environment allows that it is run, and knows what for")
    func executable() async throws {
        try await CredentialScene.run { scene async throws in
            let script = try scene.write(
                "program",
                """
                [ "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE" = //iam.googleapis.com/x ] || exit 1
                [ "$GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE" = urn:ietf:params:oauth:token-type:jwt ] || exit 1
                [ "$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE" = 0 ] || exit 1
                [ "$GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL" = a@p ] || exit 1
                [ -z "$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE" ] || exit 1
                echo '\(Self.answer())'
                """)
            let document = FakeGoogle.external(scene, Self.program("/bin/sh '\(script)'"))
                .with("service_account_impersonation_url", .string(FakeGoogle.address(scene, "a@p")))
            #expect(try await scene.with(Self.allowed.mapValues { $0 }).load(document).token == "a@p.FEDERATED.jwt")
            for environment in [[:], ["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "0"]] as [[String: String?]] {
                let failure = try await scene.with(environment).failure(document)
                #expect(failure.code == .invalid && failure.message.contains("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"), "\(failure)")
            }
        }
    }

    @Test("What an earlier run has left in its file is used while it lasts")
    func outputFile() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = scene.with(Self.allowed.mapValues { $0 })
            let file = try scene.write("kept", Self.answer(#", "expiration_time": 4000000000"#))
            let document = FakeGoogle.external(scene, Self.program("/bin/sh -c 'exit 1'", file: file))
            #expect(try await scene.load(document).token == "FEDERATED.jwt")
            // What has ended is not used, nor what does not say when it ends: the program is run, which fails here.
            for left in [Self.answer(#", "expiration_time": 1000000000"#), Self.answer(), "nonsense"] {
                try scene.write("kept", left)
                #expect(try await scene.failure(document).message.contains("the program that gives out the token"))
            }
        }
    }

    @Test(
        "What a program says must be an answer of version 1",
        arguments: [
            ("nonsense", .invalid), ("{}", .unsupported), (#"{"version": 2}"#, .unsupported), (#"{"version": 1}"#, .invalid),
            (#"{"version": 1, "success": "yes"}"#, .invalid),
            (#"{"version": 1, "success": false, "code": "401", "message": "m"}"#, .refused),
            (#"{"version": 1, "success": true}"#, .invalid),
            (#"{"version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:jwt"}"#, .invalid),
            (#"{"version": 1, "success": true, "token_type": "other", "id_token": "t"}"#, .unsupported),
            (answer(#", "expiration_time": 5"#), .expired),
        ] as [(String, CredentialsError.Code)])
    func answers(_ text: String, _ code: CredentialsError.Code) {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let error = #expect(throws: CredentialsError.self) {
            try SubjectProgram.token(in: Array(text.utf8), of: "its answer", now: now, mustEnd: false)
        }
        #expect(error?.code == code)
    }

    @Test("A SAML response is a token, too")
    func saml() throws {
        let text = #"{"version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:saml2", "saml_response": "s"}"#
        #expect(try SubjectProgram.token(in: Array(text.utf8), of: "it", now: SystemClock().now, mustEnd: false) == "s")
    }

    @Test("A program has a limit of five seconds to two minutes", arguments: [4_999, 120_001, -1])
    func limits(_ milliseconds: Int64) async throws {
        try await CredentialScene.run { scene async throws in
            let source: [String: JSONValue] = [
                "executable": .object(["command": .string("/bin/true"), "timeout_millis": .integer(milliseconds)])
            ]
            #expect(try await Self.failure(scene, source).message.contains("timeout_millis"))
        }
    }

    // MARK: The exchange

    @Test("Who has a client's secret says so, and a workforce says who is charged", arguments: [true, false])
    func client(_ isClient: Bool) async throws {
        try await CredentialScene.run { scene async throws in
            let file = try scene.write("subject", FakeGoogle.subjectToken)
            let document = FakeGoogle.external(scene, ["file": .string(file)]).with("workforce_pool_user_project", .string("p\"1"))
            _ = try await scene.load(
                isClient ? document.with("client_id", .string("a:b")).with("client_secret", .string(FakeGoogle.clientSecret)) : document)
            let request = try #require(scene.server.requests.last)
            if isClient {
                #expect(request.header("authorization") == "Basic \(Base64.encode(Array("a%3Ab:\(FakeGoogle.clientSecret)".utf8)))")
                #expect(request.form["options"] == nil)
            } else {
                #expect(request.header("authorization") == nil)
                #expect(request.form["options"] == #"{"userProject":"p\"1"}"#)
            }
        }
    }

    @Test("A refusal is told without the token that was refused")
    func refused() async throws {
        try await CredentialScene.run { scene async throws in
            let file = try scene.write("subject", "another.secret.token")
            let failure = try await Self.failure(scene, ["file": .string(file)])
            #expect(failure.code == .refused)
            #expect(failure.message.hasSuffix("answers with status 400, invalid_grant"), "\(failure)")
        }
    }
}
