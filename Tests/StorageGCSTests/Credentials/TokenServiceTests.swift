import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Where tokens are asked for", .timeLimit(.minutes(5)))
struct TokenServiceTests {
    /// Answers in turn, and then like the last.
    private static func script(_ answers: ScriptedServer.Answer...) -> ScriptedServer.Script {
        let turns = Turns()
        return { _ in answers[min(turns.next(), answers.count - 1)] }
    }

    @Test("What passes is waited out, three times", arguments: [500, 503, 429, 408])
    func patience(_ status: Int) async throws {
        let passing = Self.script(.init(status: status), .init(status: status), FakeGoogle.token("T"))
        try await CredentialScene.run(passing) { scene async throws in
            #expect(try await scene.load(FakeGoogle.user(scene)).token == "T")
            #expect(scene.server.requests.count == 3)
        }
        try await CredentialScene.run(Self.script(.init(status: status))) { scene async throws in
            #expect(try await scene.failure(FakeGoogle.user(scene)).code == .unavailable)
            #expect(scene.server.requests.count == 3)
        }
    }

    @Test("What is refused is not asked for again", arguments: [400, 401, 403, 404])
    func refused(_ status: Int) async throws {
        let refusal = Self.script(FakeGoogle.refusal("invalid_client", #"no\u0007\n"#, status: status))
        try await CredentialScene.run(refusal) { scene async throws in
            let failure = try await scene.failure(FakeGoogle.user(scene))
            #expect(failure.code == .refused)
            #expect(failure.message.contains("status \(status), invalid_client: no"), "\(failure)")
            #expect(failure.message.utf8.allSatisfy { $0 >= 0x20 })
            #expect(scene.server.requests.count == 1)
        }
    }

    @Test(
        "A token lasts as long as is said, an hour where nothing is, and a day at most",
        arguments: [("60", 60), ("\"3599\"", 3_599), ("3599.0", 3_599), ("null", 3_600), ("10000000000", 86_400)])
    func life(_ text: String, _ seconds: Int64) async throws {
        try await CredentialScene.run(Self.script(FakeGoogle.token("T", life: text))) { scene async throws in
            let before = scene.clock.now
            let expires = try #require(try await scene.load(FakeGoogle.user(scene)).expires)
            let life = before.duration(to: expires)
            #expect(life >= .seconds(seconds) && life < .seconds(seconds + 60))
        }
    }

    @Test(
        "An answer that holds no token is none",
        arguments: [
            ("", CredentialsError.Code.invalid), ("[]", .invalid), ("{}", .invalid), (#"{"access_token": ""}"#, .invalid),
            (#"{"access_token": "a\nb"}"#, .invalid), (#"{"access_token": "ü"}"#, .invalid), (#"{"access_token": ["t"]}"#, .invalid),
            (#"{"access_token": "t", "expires_in": "soon"}"#, .invalid), (#"{"access_token": "t", "expires_in": true}"#, .invalid),
            (#"{"access_token": "t", "expires_in": 0}"#, .expired), (#"{"access_token": "t", "expires_in": -5}"#, .expired),
            (#"{"access_token": "\#(String(repeating: "t", count: 70_000))"}"#, .invalid),
        ] as [(String, CredentialsError.Code)])
    func oddAnswers(_ body: String, _ code: CredentialsError.Code) async throws {
        try await CredentialScene.run(Self.script(.init(body: body))) { scene async throws in
            let failure = try await scene.failure(FakeGoogle.user(scene))
            #expect(failure.code == code, "\(failure)")
            #expect(scene.server.requests.count == 1)
        }
    }

    @Test("An answer without end is not read to it")
    func endless() async throws {
        let answer = ScriptedServer.Answer(body: String(repeating: " ", count: 1 << 20))
        try await CredentialScene.run(Self.script(answer)) { scene async throws in
            #expect(try await scene.failure(FakeGoogle.user(scene)).code == .unavailable)
        }
    }

    @Test("A time that a token ends at is one of the clock of who gave it")
    func end() async throws {
        // Theirs is a day behind.
        let (now, theirs) = (SystemClock().now, SystemClock().now - .seconds(86_400))
        let answers = Self.script(
            FakeGoogle.token("USER", life: "7200"),
            .init(
                headers: [("Date", theirs.httpDate)],
                body: #"{"accessToken": "t", "expireTime": "\#((theirs + .seconds(3_600)).iso8601)"}"#))
        try await CredentialScene.run(answers) { scene async throws in
            let found = try await scene.load(FakeGoogle.impersonated(scene, FakeGoogle.user(scene)))
            let life = now.duration(to: try #require(found.expires))
            #expect(life > .seconds(3_590) && life < .seconds(3_700))
        }
    }
}
