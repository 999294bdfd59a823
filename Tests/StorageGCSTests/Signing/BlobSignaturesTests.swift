import MirrorCore
import MirrorNet
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Signatures that the service makes", .timeLimit(.minutes(5)))
struct BlobSignaturesTests {
    private static func signing(_ server: ScriptedServer, token: String = "T") throws -> BlobSigning {
        BlobSigning(account: "a@p", address: try ArtifactURL("\(server.url)/sign"), token: token, delegates: ["one@p"])
    }

    private static func run(
        _ script: @escaping ScriptedServer.Script, _ body: @escaping @Sendable (BlobSignatures, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(script) { server in
            let connection = StoreFixture.connection(clock: CredentialScene.hasty)
            do {
                try await body(connection.signatures, server)
            } catch {
                await connection.http.shutdown()
                throw error
            }
            await connection.http.shutdown()
        }
    }

    @Test("Each is asked for once, however many want it, and another one for another text")
    func once() async throws {
        try await Self.run({ _ in .init(body: #"{"keyId": "k", "signedBlob": "AQID/w=="}"#) }) { signatures, server in
            let signing = try Self.signing(server)
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await signatures.signature(of: "text", by: signing) } }
                for try await signature in group { #expect(signature == "010203ff") }
            }
            #expect(server.requests.count == 1)
            let request = try #require(server.requests.first)
            #expect(request.header("authorization") == "Bearer T")
            #expect(
                JSONValue(parsing: request.body.utf8)
                    == .object(["payload": .string(Base64.encode(Array("text".utf8))), "delegates": .array([.string("one@p")])]))
            // A newer token of the account makes no other signature.
            _ = try await signatures.signature(of: "text", by: try Self.signing(server, token: "T2"))
            #expect(server.requests.count == 1)
            _ = try await signatures.signature(of: "another text", by: signing)
            #expect(server.requests.count == 2)
        }
    }

    @Test("A failure is not remembered")
    func failure() async throws {
        try await Self.run({ request in
            request.header("authorization") == "Bearer good"
                ? .init(body: #"{"signedBlob": "AQID"}"#) : .init(status: 403, body: #"{"error": {"status": "PERMISSION_DENIED"}}"#)
        }) { signatures, server async throws in
            let error = await #expect(throws: CredentialsError.self) {
                try await signatures.signature(of: "text", by: try Self.signing(server, token: "bad"))
            }
            #expect(error?.code == .refused && error?.message.contains("a@p") == true)
            #expect(try await signatures.signature(of: "text", by: try Self.signing(server, token: "good")) == "010203")
        }
    }

    @Test(
        "An answer without a signature is none",
        arguments: ["", "{}", #"{"signedBlob": ""}"#, #"{"signedBlob": "?"}"#, #"{"signedBlob": 7}"#])
    func odd(_ body: String) async throws {
        try await Self.run({ _ in .init(body: body) }) { signatures, server in
            let error = await #expect(throws: CredentialsError.self) {
                try await signatures.signature(of: "text", by: try Self.signing(server))
            }
            #expect(error?.code == .invalid)
        }
    }
}
