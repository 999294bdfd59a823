import Logging
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("No secret is in an error or a log, however much goes wrong", .timeLimit(.minutes(5)))
struct CredentialSecrecyTests {
    @Test("What was found is not in a log, nor in the text of its holders")
    func found() async throws {
        try await CredentialScene.run { scene async throws in
            let document = try FakeGoogle.impersonated(scene, FakeGoogle.serviceAccount(scene))
            let file = try scene.write("key.json", String(decoding: document.encoded, as: UTF8.self))
            let log = LogRecorder(.trace)
            let provider = GCSCredentialsChain.standard(
                client: scene.client, endpoint: scene.endpoint, file: file, environment: scene.environment, clock: scene.clock,
                logger: log.logger)
            let found = try #require(try await provider.credentials())
            #expect(found.token == "other@p.SERVICE")
            var dumped = ""
            dump(found, to: &dumped)
            dump(CredentialsFinding.found(found), to: &dumped)
            for text in ["\(found)", String(reflecting: found), dumped, "\(CredentialsFinding.found(found))"] + log.all {
                #expect(!text.contains("SERVICE") && !text.contains("PRIVATE"), "\(text)")
            }
            await provider.shutdown()
        }
    }

    @Test("What the service repeats of a secret is left out", arguments: ["user", "external"])
    func repeated(_ kind: String) async throws {
        let script: ScriptedServer.Script = { request in
            FakeGoogle.refusal("invalid_grant", "cannot use \(request.form.values.joined(separator: " "))")
        }
        try await CredentialScene.run(script) { scene async throws in
            let file = try scene.write("subject", FakeGoogle.subjectToken)
            let document = kind == "user" ? FakeGoogle.user(scene) : FakeGoogle.external(scene, ["file": .string(file)])
            let path = try scene.write("key.json", String(decoding: document.encoded, as: UTF8.self))
            let log = LogRecorder(.trace)
            let provider = GCSCredentialsChain.standard(
                client: scene.client, endpoint: scene.endpoint, file: path, environment: scene.environment, clock: scene.clock,
                logger: log.logger)
            let error = await #expect(throws: CredentialsError.self) { try await provider.credentials() }
            let seen = try ["\(#require(error))", "\(#require(error).storageError(operation: "gcs.put"))"] + log.all
            #expect(!log.all.isEmpty)
            for text in seen {
                for secret in FakeGoogle.secrets { #expect(!text.contains(secret), "\(text)") }
            }
            await provider.shutdown()
        }
    }
}
