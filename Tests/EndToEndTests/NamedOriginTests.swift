import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `/o/…` of the real executable, in front of an origin that behaves like an index of packages.
    @Suite(.timeLimit(.minutes(2)))
    struct NamedOriginTests {
        private static let wheel = Array(repeating: UInt8(ascii: "w"), count: 2 << 20)

        /// An index on one port whose files are on another.
        private func settings(_ index: FakeOrigin, _ files: FakeOrigin, _ more: String = "") -> MirrorSettings {
            var settings = MirrorSettings(allow: [index.url("/")])
            settings.moreOrigins = [
                "named:", "  pip: {url: \"\(index.url("/"))\", preset: python, links: [\"\(files.url("/"))\"]\(more)}",
            ]
            return settings
        }

        private func page(_ files: FakeOrigin, _ digest: String) -> FakeBehavior {
            let page = """
                <!DOCTYPE html><html><body>
                <a href="\(files.url("/p/six-1.0-py3-none-any.whl"))#sha256=\(digest)">six-1.0-py3-none-any.whl</a>
                </body></html>
                """
            return .body(Array(page.utf8), etag: "\"page-1\"", type: "text/html")
        }

        @Test("An index is revalidated, its files are copied once, and all that was seen is served while the origin is down")
        func index() async throws {
            let digest = try FakeBody.bytes(Self.wheel).sha256.hex
            try await FakeOrigin.run { index in
                try await FakeOrigin.run { files in
                    index.on("/simple/six/", page(files, digest))
                    files.on("/p/six-1.0-py3-none-any.whl", .body(Self.wheel))
                    files.on("/p/six-1.0-py3-none-any.whl.metadata", .text("Name: six"))
                    // So that each request for the page is one to the index.
                    let rule = ", rules: [{path: '**/simple/{project}/', class: rewritten, links: python, life: 0s}]"
                    try await MirrorProcess.run(settings(index, files, rule)) { mirror async throws in
                        let slashless = try await mirror.send(.GET, "/o/pip/simple/six")
                        #expect(slashless.status == 302 && slashless.location == "/o/pip/simple/six/")
                        let first = try await mirror.send(.GET, "/o/pip/simple/six/")
                        #expect(first.status == 200)
                        let link = "/o/pip/~127.0.0.1:\(files.port)/~sha256=\(digest)/p/six-1.0-py3-none-any.whl"
                        #expect(first.text.contains("href=\"\(link)#sha256=\(digest)\""), "\(first.text)")
                        // Now it is confirmed by 304, and the client has it already.
                        let etag = try #require(first.headers.first(name: "ETag"))
                        let again = try await mirror.send(
                            .GET, "/o/pip/simple/six/", headers: ["If-None-Match": etag, "Cache-Control": "max-age=0"])
                        #expect(again.status == 304)
                        #expect(index.requests(for: "/simple/six/").compactMap { $0.header("If-None-Match") } == ["\"page-1\""])

                        for outcome in ["wait", "hit", "hit"] {
                            let answer = try await mirror.send(.GET, link)
                            #expect(answer.status == 302 && answer.outcome == outcome)
                            #expect(try await mirror.follow(answer).body == Self.wheel)
                        }
                        let metadata = try await mirror.send(.GET, link + ".metadata")
                        #expect(metadata.status == 200 && metadata.text == "Name: six")
                        #expect(try await mirror.send(.GET, link + ".provenance").status == 404)
                        let head = try await mirror.send(.HEAD, link)
                        #expect(head.status == 200 && head.headers.first(name: "Content-Length") == "\(Self.wheel.count)")
                        #expect(head.headers.first(name: "Accept-Ranges") == "bytes")
                        #expect(files.requests(for: "/p/six-1.0-py3-none-any.whl").allSatisfy { $0.method == "GET" })

                        index.on("/simple/six/", .hangUp)
                        files.on("/p/six-1.0-py3-none-any.whl", .hangUp)
                        try await mirror.restart(after: .terminate)
                        let stale = try await mirror.send(.GET, "/o/pip/simple/six/", headers: ["Cache-Control": "max-age=0"])
                        #expect(stale.status == 200 && stale.body == first.body)
                        #expect(stale.headers.contains(name: "X-Cloud-Mirror-Stale"))
                        #expect(try await mirror.follow(try await mirror.send(.GET, link)).body == Self.wheel)

                        // By its own URL it is the same artifact, and purging it by either name removes it.
                        let artifact = files.url("/p/six-1.0-py3-none-any.whl")
                        #expect(try await mirror.redirect(artifact).outcome == "hit")
                        let purged = try await mirror.admin(.DELETE, "/v1/purge/\(PercentCoding.encode(link))")
                        #expect(purged.status == 204)
                        #expect(try await mirror.replica(artifact) == nil)
                        let variables = ["CLOUD_MIRROR_URL": mirror.url, "CLOUD_MIRROR_TOKEN": mirror.token]
                        for text in [
                            "purged /o/pip/simple/six/ from the mirror's pages",
                            "nothing to purge: /o/pip/simple/six/ is not in any pool",
                        ] {
                            let page = try await Command.run(["purge", "/o/pip/simple/six/"], environment: variables)
                            #expect(page.output == text + "\n", "\(page.errors)")
                        }
                    }
                }
            }
        }

        @Test("A link whose digest is made up leads to the origin, and leaves the copy alone")
        func madeUpDigest() async throws {
            try await FakeOrigin.run { index in
                try await FakeOrigin.run { files in
                    files.on("/a.whl", .body(Self.wheel))
                    try await MirrorProcess.run(settings(index, files)) { mirror async throws in
                        let prefix = "/o/pip/~127.0.0.1:\(files.port)/"
                        let wrong = "\(prefix)~sha256=\(String(repeating: "0", count: 64))/a.whl"
                        // The copy is made, and is not what was asked for.
                        #expect(try await mirror.send(.GET, wrong).location == files.url("/a.whl"))
                        #expect(try await mirror.send(.GET, prefix + "a.whl").outcome == "hit")
                        #expect(try await mirror.send(.GET, wrong).location == files.url("/a.whl"))
                        #expect(try await mirror.send(.GET, prefix + "a.whl").outcome == "hit")
                    }
                }
            }
        }

        @Test("A digest in the origin's own path is verified by the copy")
        func pathDigest() async throws {
            let digest = try FakeBody.bytes(Array("right".utf8)).sha256.hex
            try await FakeOrigin.run { origin in
                origin.on("/v2/a/blobs/sha256:\(digest)", [.text("wrong"), .text("wrong"), .text("wrong"), .text("right")])
                var settings = MirrorSettings(allow: [origin.url("/v2/")])
                settings.negativeLife = "1s"
                settings.moreOrigins = ["named: {oci: {url: \"\(origin.url("/"))\", preset: oci}}"]
                try await MirrorProcess.run(settings) { mirror async throws in
                    let blob = "/o/oci/v2/a/blobs/sha256:\(digest)"
                    // What the origin sends is passed on, and not kept.
                    _ = try await mirror.send(.GET, blob)
                    #expect(try mirror.objects().isEmpty)
                }
            }
        }

        @Test("A reload adds a named origin, and takes one away")
        func reload() async throws {
            try await FakeOrigin.run { index in
                try await FakeOrigin.run { files in
                    index.on("/simple/", .body(Array("<html></html>".utf8), type: "text/html"))
                    var none = MirrorSettings(allow: [index.url("/")])
                    none.moreOrigins = []
                    try await MirrorProcess.run(none) { mirror async throws in
                        #expect(try await mirror.send(.GET, "/o/pip/simple/").status == 404)
                        #expect(try await mirror.reload(settings(index, files)))
                        #expect(try await mirror.send(.GET, "/o/pip/simple/").status == 200)
                        #expect(try await mirror.reload(none))
                        #expect(try await mirror.send(.GET, "/o/pip/simple/").status == 404)
                    }
                }
            }
        }
    }
}
