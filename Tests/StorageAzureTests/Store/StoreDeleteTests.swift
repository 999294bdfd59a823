import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1
import TestServers
import Testing

@testable import StorageAzure

@Suite("Deletions", .timeLimit(.minutes(5)))
struct StoreDeleteTests {
    private static func keys(_ count: Int) throws -> [ObjectKey] {
        try (0..<count).map { try SampleObject("a b+\($0)ü.bin", size: 1).key }
    }

    private func run(
        _ keys: [ObjectKey], credentials: GivenCredentials = GivenCredentials(), script: @escaping StoreFixture.Script = { _ in nil },
        _ body: @escaping @Sendable (StoreFixture) async throws -> Void
    ) async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = credentials
        for key in keys { setup.blobs.put(key.description, [1]) }
        try await StoreFixture.run(setup, script: script, body)
    }

    @Test("What is there goes with its snapshots, and what is not there is gone already; a container that is not there is told")
    func single() async throws {
        let keys = try Self.keys(1)
        try await run(keys) { fixture async throws in
            try await fixture.store.delete(keys[0])
            try await fixture.store.delete(keys[0])
            #expect(fixture.blobs.names.isEmpty)
            #expect(fixture.kinds == [.delete, .delete])
            #expect(fixture.requests.first?.header("x-ms-delete-snapshots") == "include")
        }
        try await run(keys, script: { _ in FakeBlobs.error(404, "ContainerNotFound") }) { fixture async throws in
            try await requireStorageError(.notFound, "delete") { try await fixture.store.delete(keys[0]) }
        }
    }

    @Test("Many are deleted in batches of 256, each part of which is signed by itself")
    func batches() async throws {
        let keys = try Self.keys(300)
        try await run(keys) { fixture async throws in
            #expect(try await fixture.store.delete(keys + Self.keys(1)).isEmpty)
            #expect(fixture.blobs.names.isEmpty)
            #expect(fixture.kinds == [.batch, .batch])
            let batch = try #require(fixture.requests.first)
            #expect(batch.text.components(between: "content-id: ", and: "\r\n") == (0..<256).map(String.init))
            #expect(batch.text.components(between: "authorization: ", and: "\r\n").allSatisfy { $0.hasPrefix("SharedKey testaccount:") })
            #expect(Set(batch.text.components(between: "authorization: ", and: "\r\n")).count == 256)
            #expect(!batch.text.contains("x-ms-version"))
            let path = "/testaccount/test-container/\(PercentCoding.encode(path: keys[0].description))"
            #expect(batch.text.contains("DELETE \(path) HTTP/1.1\r\n"))
            let boundary = batch.header("content-type")?.split(separator: "=").last ?? ""
            #expect(boundary.hasPrefix("batch_") && batch.text.hasPrefix("--\(boundary)\r\n"))
        }
        try await run(keys, credentials: .signature("sv=1&sig=s")) { fixture async throws in
            #expect(try await fixture.store.delete(keys).isEmpty)
            #expect(fixture.requests.first?.text.components(between: "?sv=1&sig=s", and: " HTTP/1.1").count == 256)
        }
    }

    @Test("What cannot be deleted is told, each by itself")
    func partial() async throws {
        let keys = try Self.keys(4)
        let answers = [
            "0": "HTTP/1.1 202 Accepted\r\n\r\n", "1": "HTTP/1.1 404 Not Found\r\nx-ms-error-code: BlobNotFound\r\n\r\n",
            "2": "HTTP/1.1 403 No\r\nx-ms-error-code: AuthorizationPermissionMismatch\r\n\r\n<Error><Message>m</Message></Error>",
        ]
        let script: StoreFixture.Script = { _ in
            var body = answers.sorted { $0.key > $1.key }.map { number, answer in
                "--b\r\nContent-Type: application/http\r\nContent-ID: \(number)\r\n\r\n\(answer)\r\n"
            }.joined()
            body += "--b--"
            return .init(status: 202, headers: [("Content-Type", "multipart/mixed; boundary=\"b\"")], body: body)
        }
        try await run(keys, script: script) { fixture async throws in
            let failures = try await fixture.store.delete(keys)
            #expect(failures.mapValues(\.code) == [keys[2]: .permissionDenied, keys[3]: .timedOut])
            #expect(failures[keys[2]]?.message.contains(keys[2].description) == true)
        }
    }

    @Test(
        "A service that knows no batches gets one request for each",
        arguments: [(501, "NotImplemented"), (400, "InvalidInput"), (405, "")])
    func unknown(_ status: Int, _ code: String) async throws {
        let keys = try Self.keys(3)
        try await run(keys, script: { $0.kind == .batch ? FakeBlobs.error(status, code) : nil }) { fixture async throws in
            #expect(try await fixture.store.delete(keys).isEmpty)
            #expect(fixture.kinds == [.batch, .delete, .delete, .delete])
            #expect(fixture.blobs.names.isEmpty)
        }
    }

    @Test("An answer that does not say what was deleted is not taken for a success", arguments: ["text/plain", "multipart/mixed", ""])
    func nonsense(_ type: String) async throws {
        let keys = try Self.keys(2)
        try await run(keys, script: { _ in .init(status: 202, headers: [("Content-Type", type)], body: "--b--") }) { fixture async throws in
            try await requireStorageError(.timedOut, "delete") { try await fixture.store.delete(keys) }
        }
    }

    @Test("The parts of an answer to a batch are read however its lines end")
    func parts() throws {
        let text = """
            --b
            Content-Type: application/http
            Content-ID: 1

            HTTP/1.1 404 The specified blob does not exist.
            x-ms-error-code: BlobNotFound
            Content-Length: 5

            <a/>
            b
            --b
            Content-ID: x

            HTTP/1.1 202 Accepted

            --b
            nothing
            --b
            Content-ID: 3

            SIP/2.0 200 OK

            --b--
            """
        for text in [text, text.replacing("\n", with: "\r\n")] {
            let read = try #require(BatchParts(ByteBuffer(string: text), contentType: "Multipart/Mixed; charset=x; Boundary=b"))
            #expect(read.parts.map(\.number) == [1, nil])
            #expect(read.parts.map(\.status) == [404, 202])
            #expect(read.parts.first?.headers.first(name: "X-Ms-Error-Code") == "BlobNotFound")
            #expect(read.parts.first.map { String(buffer: $0.body) } == "<a/>\nb")
        }
        for type in ["", "text/html; boundary=b", "multipart/mixed", "multipart/mixed; boundary=", "multipart/mixed; boundary=\"\""] {
            #expect(BatchParts(ByteBuffer(string: text), contentType: type) == nil)
        }
        #expect(BatchParts(ByteBuffer(string: ""), contentType: "multipart/mixed; boundary=b")?.parts.isEmpty == true)
    }
}
