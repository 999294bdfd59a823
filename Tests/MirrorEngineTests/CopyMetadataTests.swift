import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: what is kept beside the bytes", .timeLimit(.minutes(1)))
struct CopyMetadataTests {
    @Test("Type, encoding, disposition, ETag, length, date and the redirect chain are kept, queries are not")
    func metadata() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({ $0.clock = clock }) { engine async throws in
            engine.origin.on("/a.tar", .redirect(to: "/b.tar?signature=secret", status: 307))
            engine.origin.on(
                "/b.tar",
                .text("hello", etag: "\"v7\"").with {
                    $0.headers = [
                        ("Content-Type", "application/x-tar; charset=binary"), ("Content-Disposition", "attachment; filename=\"x.tar\""),
                        ("Content-Encoding", "br"), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ]
                })
            let path = "/a.tar?token=secret"
            #expect(try await engine.ask(path).outcome == .wait)
            let metadata = try await engine.read(path).info.metadata
            #expect(metadata.contentType == "application/x-tar; charset=binary")
            #expect(metadata.contentEncoding == "br")
            #expect(metadata.contentDisposition == "attachment; filename=\"x.tar\"")
            #expect(metadata.upstreamURL == engine.origin.url(path))
            #expect(metadata.upstreamETag == "\"v7\"")
            #expect(metadata.upstreamContentLength == 5)
            #expect(metadata.upstreamLastModified == Timestamp(milliseconds: 784_111_777_000))
            #expect(metadata.stored == clock.now)
            #expect(metadata.addresses == [engine.origin.url("/a.tar?…"), engine.origin.url("/b.tar?…")])
        }
    }

    @Test("Fields that clients look for are kept, and those of the first answer come before those that it leads to")
    func originFields() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/a.bin",
                .redirect(to: "/b.bin").with {
                    $0.headers += [("X-Linked-ETag", "\"first\""), ("X-Repo-Commit", "c0ffee"), ("Set-Cookie", "a=b")]
                })
            engine.origin.on(
                "/b.bin",
                .text("hello").with {
                    $0.headers += [
                        ("X-Linked-Etag", "\"second\""), ("x-checksum-sha1", "2fd4e1c6"), ("X-Xet-Hash", "d"), ("X-Linked-Size", "a b"),
                    ]
                })
            _ = try await engine.ask("/a.bin")
            let fields = try await engine.read("/a.bin").info.metadata.originFields
            #expect(fields.text == "x-checksum-sha1=2fd4e1c6 x-repo-commit=c0ffee x-linked-etag=\"first\"")
        }
    }

    @Test("An origin that states nothing leaves nothing")
    func bare() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/a.bin",
                FakeBehavior().with {
                    $0.body = .bytes([1, 2, 3])
                    $0.framing = .chunked
                    $0.acceptsRanges = false
                })
            _ = try await engine.ask("/a.bin")
            let metadata = try await engine.read("/a.bin").info.metadata
            #expect(metadata.contentType == nil)
            #expect(metadata.contentEncoding == nil)
            #expect(metadata.contentDisposition == nil)
            #expect(metadata.upstreamETag == nil)
            #expect(metadata.upstreamContentLength == nil)
            #expect(metadata.upstreamLastModified == nil)
            #expect(metadata.addresses == [engine.origin.url("/a.bin")])
        }
    }

    @Test("All codings are kept, in one field or in several")
    func codings() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .text("hello").with { $0.headers += [("Content-Encoding", "gzip"), ("Content-Encoding", "br")] })
            _ = try await engine.ask("/a.bin")
            #expect(try await engine.read("/a.bin").info.metadata.contentEncoding == "gzip, br")
        }
    }

    @Test("A date that is none is not kept", arguments: ["yesterday", "0", "2026-01-01T00:00:00Z", "Sun, 06 Nov 1994 08:49:37 CET"])
    func date(_ text: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .text("hello").with { $0.headers.append(("Last-Modified", text)) })
            _ = try await engine.ask("/a.bin")
            #expect(try await engine.read("/a.bin").info.metadata.upstreamLastModified == nil)
        }
    }

    @Test("A compressed body is stored as it came, and nobody is asked to compress")
    func gzip() async throws {
        // An empty gzip stream with a name, then bytes that are none.
        let bytes: [UInt8] = [0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE]
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.gz", .body(bytes).with { $0.headers.append(("Content-Encoding", "gzip")) })
            _ = try await engine.ask("/a.gz")
            let (info, stored) = try await engine.read("/a.gz")
            #expect(stored == bytes)
            #expect(info.metadata.contentEncoding == "gzip")
            #expect(engine.origin.requests.first?.header("Accept-Encoding") == "identity")
        }
    }

    @Test("Artifacts whose URLs differ in the query alone are different artifacts")
    func queries() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt?v=1", .text("one"))
            engine.origin.on("/a.txt?v=2", .text("other"))
            #expect(try await engine.ask("/a.txt?v=1").size == 3)
            #expect(try await engine.ask("/a.txt?v=2").size == 5)
            #expect(try await engine.ask("/a.txt?v=1").outcome == .hit)
        }
    }
}
