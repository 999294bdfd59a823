import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Uploads in parts outlive what the service does to them", .timeLimit(.minutes(5)))
struct StoreUploadTests {
    @Test("Parts in parallel begin one upload under a name that nobody knows, and a copy with condition and metadata publishes it")
    func published() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (10 << 20) + 1)
            try fixture.serve(object)
            let upload = try await fixture.store.uploaded(object)
            let info = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            #expect(info.etag == "\"published\"")
            #expect(info.size == object.size)
            #expect(info.metadata.sha256 == (try object.sha256))
            #expect(fixture.steps == [.create, .part, .part, .part, .complete, .publish, .delete])
            let name = try #require(fixture.requests(.create).first?.path)
            #expect(name.wholeMatch(of: /\/test-bucket\/cloud-mirror-uploads\/[0-9a-f]{32}/) != nil, "\(name)")
            #expect(fixture.requests(.part).allSatisfy { $0.path == name && $0.header("x-goog-hash")?.hasPrefix("crc32c=") == true })
            #expect(fixture.requests(.delete).map(\.path) == [name])
            let publish = try #require(fixture.requests(.publish).first)
            #expect(publish.path == fixture.path(object))
            #expect(publish.header("x-goog-copy-source") == String(name.dropFirst()))
            #expect(publish.header("x-goog-if-generation-match") == "0")
            #expect(publish.header("x-goog-metadata-directive") == "REPLACE")
            #expect(publish.header("x-goog-meta-cloud-mirror-sha256") == (try object.sha256.hex))
            #expect(publish.header("cache-control") == "no-cache, no-transform")
            #expect(publish.header("content-type") == "application/octet-stream")
            await upload.abort()
            #expect(fixture.requests(.abort).isEmpty)
        }
    }

    @Test("The parts are completed in their order, with their entity tags as they are")
    func completion() async throws {
        let script: ScriptedServer.Script = { request in
            switch request.method {
            case "POST" where request.uri.hasSuffix("?uploads"):
                return .init(body: "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")
            case "PUT": return .init(headers: [("ETag", "\"a&b\""), ("x-goog-hash", "crc32c=AAAAAA==")])
            default: return .init(headers: [("x-goog-hash", "crc32c=AAAAAA==")], body: "<CompleteMultipartUploadResult/>")
            }
        }
        try await ScriptedServer.run(script) { server in
            let connection = StoreFixture.connection()
            let configuration = GCSConfiguration(
                bucket: "b", endpoint: GCSEndpoint(try ArtifactURL(server.url)), credentials: GivenCredentials())
            let multipart = GCSStore(configuration: configuration, connection: connection).multipart
            let id = try await multipart.create("t/1")
            var parts: [GCSMultipart.Part] = []
            for number in [2, 1] {
                parts.append(try await multipart.write(number, of: "t/1", upload: id, .bytes([ByteBuffer()]), length: 0))
            }
            _ = try await multipart.complete("t/1", upload: id, parts: parts)
            await connection.http.shutdown()
            #expect(
                server.requests.map(\.uri) == [
                    "/b/t/1?uploads", "/b/t/1?partNumber=2&uploadId=id", "/b/t/1?partNumber=1&uploadId=id", "/b/t/1?uploadId=id",
                ])
            let part = { (number: Int) in "<Part><PartNumber>\(number)</PartNumber><ETag>\"a&amp;b\"</ETag></Part>" }
            #expect(server.requests.last?.body == "<CompleteMultipartUpload>\(part(1))\(part(2))</CompleteMultipartUpload>")
        }
    }

    @Test("What the service has in place of a part, or of all of them, is not published")
    func wrongChecksum() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in
                step == .part
                    ? FakeBehavior.status(200).with {
                        $0.etag = "\"p\""
                        $0.headers.append(("x-goog-hash", "crc32c=AAAAAA=="))
                    } : nil
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = object.parts(of: 5 << 20)[0]
            try await requireStorageError(.checksumMismatch, "a part") { try await upload.write(part, from: object.stream(part)) }
            await upload.abort()
            #expect(fixture.steps == [.create, .part, .abort])
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in
                step == .complete
                    ? StoreFixture.xml("<CompleteMultipartUploadResult/>").with { $0.headers.append(("x-goog-hash", "crc32c=AAAAAA==")) }
                    : nil
            }
            let upload = try await fixture.store.uploaded(object)
            try await requireStorageError(.checksumMismatch, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            await upload.abort()
            #expect(fixture.steps == [.create, .part, .part, .complete, .abort, .delete])
        }
    }

    @Test("An upload that is given up is removed from the service, also in a cancelled task, and a failure of that is no error")
    func abort() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, number, _ in
                guard step == .abort else { return nil }
                return number == 1 ? StoreFixture.error(503, "SlowDown") : StoreFixture.error(403, "AccessDenied")
            }
            let upload = try await fixture.store.uploaded(object)
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { await upload.abort() }
            }
            #expect(fixture.requests(.abort).count == 2)
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
        }
    }

    @Test("A long stream of known length is sent as it comes, with its checksum compared; a broken or a short one fails")
    func streamed() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 9 << 20)
            let check = "crc32c=\(object.crc32c)"
            try fixture.serve(object) { step, number, _ in
                guard step == .part else { return nil }
                return FakeBehavior.status(200).with {
                    $0.etag = "\"p\""
                    $0.headers.append(("x-goog-hash", number == 1 ? check : "crc32c=AAAAAA=="))
                }
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            #expect(try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil)) == object.size)
            let request = try #require(fixture.requests(.part).first)
            #expect(request.header("content-length") == "\(object.size)")
            #expect(request.header("x-goog-hash") == nil)
            try await requireStorageError(.checksumMismatch, "other bytes") {
                try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil))
            }
            let broken = ByteStream(chunks: [ByteBuffer(string: "short")], failure: BrokenStream())
            await #expect(throws: BrokenStream.self) { try await upload.write(part, from: broken) }
            let short = ByteStream(chunks: [ByteBuffer(string: "short")], failure: nil)
            try await requireStorageError(.invalidRequest, "a short stream") { try await upload.write(part, from: short) }
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
        }
    }

    @Test("A token that ends in the middle of an upload is replaced, and the part is sent again")
    func expired() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (10 << 20) + 1)
            try fixture.serve(object) { step, _, request in
                step == .part && request.item("partNumber") != "1" && request.token == "FIRST"
                    ? StoreFixture.error(401, "AuthenticationRequired") : nil
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in object.parts(of: 5 << 20) { _ = try await upload.write(part, from: object.stream(part)) }
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(fixture.credentials.invalidations == 1)
            #expect(fixture.steps == [.create, .part, .part, .part, .part, .complete, .publish, .delete])
            #expect(fixture.origin.requests.map(\.token) == ["FIRST", "FIRST", "FIRST"] + Array(repeating: "SECOND", count: 5))
        }
    }
}
