import MirrorCore
import MirrorNet
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: what is left to the client, who gets it from the origin", .timeLimit(.minutes(1)))
struct CopyRefusalTests {
    private func expectFailure(_ reason: CopyFailure.Reason, of path: String, in engine: EngineFixture) async throws {
        guard case .error(let failure) = try await engine.status(path) else {
            Issue.record("no error is remembered")
            return
        }
        #expect(failure.reason == reason)
        #expect(try await !engine.isInPool(path))
    }

    // MARK: Redirects

    @Test("A redirect to a host that is not allowed is not followed, and is counted by host; the client may follow it")
    func redirect() async throws {
        try await EngineFixture.run { engine async throws in
            for path in ["/a.bin", "/b.bin"] {
                engine.origin.on(path, .redirect(to: "http://cdn.example.org:8080\(path)"))
                for _ in 0..<2 { #expect(try await engine.ask(path).fallback == .copyFailed) }
                try await expectFailure(.redirect, of: path, in: engine)
            }
            #expect(engine.origin.requests.map(\.path) == ["/a.bin", "/b.bin"])
            #expect(engine.counters.total(OriginMetrics.Name.refusedRedirects) == 2)
            #expect(engine.counters.total(OriginMetrics.Name.refusedRedirects, "cdn.example.org:8080") == 2)
            #expect(engine.counters.total(OriginMetrics.Name.refusedRedirects, "not_listed") == 2)
            #expect(engine.counters.total(EngineMetrics.Name.errors, "outbound.redirectRefused") == 2)
        }
    }

    @Test("Hosts are told of once, and so many are counted by name as an operator can look at")
    func hosts() {
        let redirects = BoundedLabels()
        for number in 0..<BoundedLabels.max {
            let first = redirects.note("h\(number).example")
            #expect(first.label == "h\(number).example" && first.isNew)
            let second = redirects.note("h\(number).example")
            #expect(second.label == "h\(number).example" && !second.isNew)
        }
        let more = redirects.note("more.example")
        #expect(more.label == "other" && !more.isNew)
    }

    // MARK: Pages

    private static let page = "<!DOCTYPE html><title>Sign in</title>"

    private func page(_ type: String) -> FakeBehavior {
        .text(Self.page).with { $0.headers = [("Content-Type", type)] }
    }

    @Test(
        "A web page is not kept where the name says archive, package, image or model",
        arguments: [
            "a.whl", "a.tar.gz", "a.tgz", "a.zip", "a.jar", "a.deb", "a.rpm", "a.gem", "a.crate", "a.nupkg", "a.tar.xz", "a.tar.lz4",
            "a.tar", "a.xz",
            "a.zst", "a.bz2", "a.7z", "a.exe", "a.msi", "a.dmg", "a.pkg", "a.apk", "a.aab", "a.iso", "a.img", "a.qcow2", "a.safetensors",
            "a.gguf",
            "a.bin", "a.pt", "a.onnx", "a.parquet", "a.conda", "A.ZIP", "a%2Ezip", "a.zip/", "a.zip;jsessionid=1", "a.html.gz", "a.b.c.whl",
        ])
    func refusesPage(name: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(try engine.artifact("/\(name)").path, page("text/html; charset=utf-8"))
            #expect(try await engine.ask("/\(name)").fallback == .copyFailed)
            try await expectFailure(.content, of: "/\(name)", in: engine)
            #expect(engine.base.results.count == 1)
            #expect(engine.counters.total(EngineMetrics.Name.errors, "copy.content") == 1)
        }
    }

    @Test(
        "The type of a page is known however it is written",
        arguments: [
            "text/html", "TEXT/HTML", "text/html;charset=utf-8", " text/html ; a=b", "application/xhtml+xml", "Application/XHTML+XML; a=b",
        ])
    func types(type: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.zip", page(type))
            #expect(try await engine.ask("/a.zip").fallback == .copyFailed)
            try await expectFailure(.content, of: "/a.zip", in: engine)
        }
    }

    @Test("What a redirect leads to has a name, too")
    func redirectedPage() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/latest", .redirect(to: "/a-1.0.zip"))
            engine.origin.on("/a-1.0.zip", page("text/html"))
            engine.origin.on("/b.zip", .redirect(to: "/login"))
            engine.origin.on("/login", page("text/html"))
            for path in ["/latest", "/b.zip"] {
                #expect(try await engine.ask(path).fallback == .copyFailed)
                try await expectFailure(.content, of: path, in: engine)
            }
        }
    }

    @Test(
        "A page under another name is copied, and so is an archive of any other type",
        arguments: [
            ("index.html", "text/html"), ("docs/", "text/html"), ("a.zip.html", "text/html"), ("zip", "text/html"),
            (".zip.asc", "text/html"),
            ("a.txt", "text/html"), ("a.zip", "application/zip"), ("a.zip", "text/plain"), ("a.zip", "text/html-not"),
            ("a.zip", "application/html"),
        ])
    func keeps(name: String, type: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/\(name)", page(type))
            #expect(try await engine.ask("/\(name)").size == Int64(Self.page.utf8.count))
        }
    }

    @Test("Pages are kept where the operator says so")
    func keepsPages() async throws {
        try await EngineFixture.run({ $0.copy.refuseHTML = false }) { engine async throws in
            engine.origin.on("/a.zip", page("text/html"))
            #expect(try await engine.ask("/a.zip").size == Int64(Self.page.utf8.count))
        }
    }

    // MARK: Fields that are not text

    private func raw(_ fields: String, body: String = "hello") -> FakeBehavior {
        FakeBehavior().with {
            // As Latin-1.
            $0.raw = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)".unicodeScalars.map {
                UInt8(truncatingIfNeeded: $0.value)
            }
        }
    }

    @Test("Fields whose bytes are not UTF-8 are not kept, because nobody knows any more what they were; others are")
    func lostFields() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/a.bin",
                raw(
                    "Content-Type: text/plain; a=\u{e9}\r\nContent-Disposition: attachment; filename=\"caf\u{e9}.bin\"\r\nETag: \"\u{e9}\"\r\n"
                        + "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nRepr-Digest: sha-256=:\u{e9}:\r\n"))
            engine.origin.on(
                "/b.bin", raw("Content-Disposition: attachment; filename=\"caf\u{c3}\u{a9}.bin\"\r\nETag: \"\u{c3}\u{a9}\"\r\n"))
            #expect(try await engine.ask("/a.bin").size == 5)
            let lost = try await engine.read("/a.bin").info.metadata
            #expect(lost.contentType == nil)
            #expect(lost.contentDisposition == nil)
            #expect(lost.upstreamETag == nil)
            #expect(lost.upstreamLastModified != nil)
            #expect(try await engine.ask("/b.bin").size == 5)
            let kept = try await engine.read("/b.bin").info.metadata
            #expect(kept.contentDisposition == "attachment; filename=\"café.bin\"")
            #expect(kept.upstreamETag == "\"é\"")
        }
    }

    @Test(
        "Without a field that says how to read the body there is no copy",
        arguments: ["Content-Encoding: \u{e9}\r\n", "Content-Range: \u{e9}\r\n"])
    func unreadable(field: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", raw(field))
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            try await expectFailure(.transfer, of: "/a.bin", in: engine)
        }
    }

    @Test(
        "A body in a transfer coding that nobody asked for is left to the client, after one attempt",
        arguments: ["gzip, chunked", "deflate, chunked", "gzip"])
    func transferCoding(coding: String) async throws {
        try await EngineFixture.run { engine async throws in
            let answer = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: \(coding)\r\n\r\n5\r\nhello\r\n0\r\n\r\n".utf8)
            engine.origin.on("/a.bin", FakeBehavior().with { $0.raw = answer })
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            try await expectFailure(.transfer, of: "/a.bin", in: engine)
            #expect(engine.base.results.count == 1)
        }
    }
}
