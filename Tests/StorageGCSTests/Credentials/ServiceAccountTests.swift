import Crypto
import CryptoExtras
import Foundation
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Assertions of service accounts", .timeLimit(.minutes(5)))
struct ServiceAccountTests {
    private static func decode(_ part: Substring) -> [UInt8]? { Base64.decode(String(part)) }

    private static func claims(_ assertion: String) throws -> JSONValue {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        let bytes = try #require(decode(parts[1]))
        return try #require(JSONValue(parsing: bytes))
    }

    @Test("An assertion says who asks for what, of whom and for an hour, and is signed with RS256")
    func shape() throws {
        let key = try SigningVectors.key()
        let assertion = try ServiceAccount.assertion(key, at: Timestamp(milliseconds: 1_700_000_000_999))
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3)
        #expect(assertion.utf8.allSatisfy { PercentCoding.isUnreserved($0) })
        let bytes = try #require(Self.decode(parts[0]))
        let header = try #require(JSONValue(parsing: bytes))
        #expect(
            header
                == .object([
                    "alg": .string("RS256"), "typ": .string("JWT"), "kid": .string("ffffffffffffffffffffffffffffffffffffffff"),
                ]))
        #expect(
            try Self.claims(assertion)
                == .object([
                    "iss": .string("test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"),
                    "aud": .string("https://oauth2.googleapis.com/token"), "scope": .string(FakeGoogle.scope),
                    "iat": .integer(1_700_000_000), "exp": .integer(1_700_003_600),
                ]))
        let pem = try #require(try SigningVectors.account()["private_key"]?.string)
        let publicKey = try _RSA.Signing.PrivateKey(pemRepresentation: pem).publicKey
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try #require(Self.decode(parts[2])))
        let signed = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        #expect(publicKey.isValidSignature(signature, for: signed, padding: .insecurePKCS1v1_5))
    }

    @Test("It is exchanged for a token, with which the account signs by its key")
    func exchanged() async throws {
        try await CredentialScene.run { scene async throws in
            let found = try await scene.load(try FakeGoogle.serviceAccount(scene).with("quota_project_id", .string("q")))
            #expect(found.token == "SERVICE")
            #expect(found.quotaProject == "q")
            #expect(found.owner == "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com")
            guard case .key? = found.signer else {
                Issue.record("nothing signs")
                return
            }
            let left = SystemClock().now.duration(to: try #require(found.expires))
            #expect(left > .seconds(3_500) && left <= .seconds(3_600))
        }
    }

    @Test("A clock that is an hour off is corrected from the answer's date, and the assertion signed again", arguments: [3_600, -3_600])
    func clock(_ seconds: Int64) async throws {
        let script: ScriptedServer.Script = { request in
            let claims = try Self.claims(request.form["assertion"] ?? "..")
            let now = SystemClock().now
            guard case .integer(let issued)? = claims["iat"] else { return .init(status: 500) }
            let isRight = abs(issued - now.milliseconds / 1_000) < 300
            var answer = isRight ? FakeGoogle.token("SERVICE") : FakeGoogle.refusal("invalid_grant", "Invalid JWT: iat and exp")
            answer.headers.append(("Date", now.httpDate))
            return answer
        }
        let clock = HastyClock(shortestLimit: .seconds(2), ahead: .seconds(seconds))
        try await CredentialScene.run(script, clock: clock) { scene async throws in
            let document = try FakeGoogle.serviceAccount(scene)
            let found = try await scene.load(document)
            #expect(scene.server.requests.count == 2)
            // The token ends by this machine's clock.
            let left = clock.now.duration(to: try #require(found.expires))
            #expect(left > .seconds(3_500) && left <= .seconds(3_600))
            _ = try await scene.load(document)
            #expect(scene.server.requests.count == 3)
        }
    }

    @Test("Whoever is refused for another reason is not asked a second time for the clock's sake")
    func refused() async throws {
        let script: ScriptedServer.Script = { _ in
            var answer = FakeGoogle.refusal("invalid_grant", "Invalid grant: account not found")
            answer.headers.append(("Date", SystemClock().now.httpDate))
            return answer
        }
        try await CredentialScene.run(script) { scene async throws in
            let failure = try await scene.failure(try FakeGoogle.serviceAccount(scene))
            #expect(failure.code == .refused)
            #expect(failure.message.hasSuffix("answers with status 400, invalid_grant: Invalid grant: account not found"), "\(failure)")
            #expect(scene.server.requests.count == 1)
        }
    }
}
