import HTTPTypes
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import NamedOrigins

@Suite(.timeLimit(.minutes(5))) struct RewrittenPagesTests {
    @Test func `pages that were used last are kept, up to a number of bytes`() {
        let pages = RewrittenPages(maxKept: 1_000, maxAlive: 10_000)
        for number in 0..<4 {
            _ = pages.keep([UInt8](repeating: UInt8(number), count: 200), as: "\(number)")
            #expect(pages.page("0")?.slice(at: 199, upTo: 10)?.readableBytes == 1)
        }
        #expect(pages.page("3")?.length == 200)
        for number in 4..<40 { _ = pages.keep([UInt8](repeating: 0, count: 200), as: "\(number)") }
        #expect((0..<40).filter { pages.page("\($0)") != nil }.count <= 5)
        #expect(pages.page("39") != nil)
    }

    @Test func `pages that are on their way to clients take room until they have arrived`() async throws {
        let pages = RewrittenPages(maxKept: 0, maxAlive: 1_000)
        var sent = (0..<2).map { pages.keep([UInt8](repeating: 0, count: 400), as: "\($0)") }
        #expect(try await !hasRoom(pages, for: 201))
        #expect(try await hasRoom(pages, for: 200))
        sent.removeAll()
        for number in 2..<4 { _ = pages.keep([0], as: "\(number)") }
        #expect(try await !hasRoom(pages, for: 999))
        #expect(try await hasRoom(pages, for: 998))
        #expect(try await !hasRoom(RewrittenPages(), for: RewrittenPages.maxPage + 1))
    }

    @Test func `pages take room while they are rewritten, also if that fails in the end`() async throws {
        struct Broken: Error {}
        let pages = RewrittenPages(maxKept: 0, maxAlive: 1_000)
        for _ in 0..<3 {
            await #expect(throws: Broken.self) {
                _ = try await pages.keep("a", of: 600) {
                    #expect(try await !hasRoom(pages, for: 401))
                    #expect(try await hasRoom(pages, for: 400))
                    throw Broken()
                }
            }
        }
        #expect(try await hasRoom(pages, for: 1_000))
    }

    private func hasRoom(_ pages: RewrittenPages, for length: Int64) async throws -> Bool {
        try await pages.keep("other", of: length) { [] } != nil
    }

    @Test func `a large page is rewritten on its way until it was read, then once as a whole, and is always the same`() async throws {
        let link = "<a href='b'>b</a>\n"
        let count = 40_000
        try await PageScene.run { scene async throws in
            scene.origin.on(
                "/a/", .text(String(repeating: link, count: count)), .text(String(repeating: link, count: count + 1), etag: "\"v2\""))
            let expected = "<a href='/o/index/a/b'>b</a>\n"
            let length = Int64(expected.utf8.count * count)
            for stated in [nil, length, length] {
                let answer = try await scene.page("/a/", kind: .rewritten(.html))
                #expect(answer.body.length == stated)
                #expect(try await answer.text == String(repeating: expected, count: count))
            }
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.page("/a/", kind: .rewritten(.html)).text == String(repeating: expected, count: count + 1))
            #expect(try await scene.page("/a/", kind: .rewritten(.html)).body.length == Int64(expected.utf8.count * (count + 1)))
            // Links that begin in another way are others.
            let other = try await scene.page("/a/", kind: .rewritten(.html)) { $0.prefix = "https://mirror.example/o/" }
            #expect(try await other.text.hasPrefix("<a href='https://mirror.example/o/index/a/b'>"))
        }
    }

    @Test func `a page that nobody reads to its end is not rewritten as a whole, whatever the mirror is called`() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a/", .text(String(repeating: "<a href='b'>b</a>\n", count: 40_000)))
            _ = try await scene.page("/a/", kind: .rewritten(.html)).text
            #expect(try await scene.page("/a/", kind: .rewritten(.html)).body.length != nil)
            for number in 0..<40 {
                for _ in 0..<2 {
                    let answer = try await scene.page("/a/", kind: .rewritten(.html)) { $0.prefix = "https://\(number).example/o/" }
                    #expect(answer.body.length == nil)
                    for try await piece in answer.body {
                        #expect(piece.readableBytes > 0)
                        break
                    }
                }
            }
            // They have not displaced what is read.
            #expect(try await scene.page("/a/", kind: .rewritten(.html)).body.length != nil)
        }
    }

    @Test func `a page that is too large for memory is rewritten on its way`() async throws {
        let link = "<a href='b'>b</a>\n"
        let count = Int(RewrittenPages.maxPage) / link.utf8.count + 1
        try await PageScene.run { scene async throws in
            scene.origin.on("/a/", .text(String(repeating: link, count: count)))
            for _ in 0..<2 {
                let answer = try await scene.page("/a/", kind: .rewritten(.html))
                #expect(answer.body.length == nil)
                #expect(try await answer.text == String(repeating: "<a href='/o/index/a/b'>b</a>\n", count: count))
            }
        }
    }

    @Test("A page that its links make many times as long is sent in small pieces", arguments: [4_000, 40_000])
    func growing(count: Int) async throws {
        let base = String(repeating: "b", count: 400)
        try await PageScene.run { scene async throws in
            let page = "<base href='/\(base)/'>" + String(repeating: "<a href=c>", count: count)
            scene.origin.on("/a/", .text(page))
            let answer = try await scene.page("/a/", kind: .rewritten(.html))
            #expect(answer.body.length == nil)
            var bytes: [UInt8] = []
            for try await chunk in answer.body {
                #expect(chunk.readableBytes <= 128 << 10)
                bytes.append(contentsOf: chunk.readableBytesView)
            }
            let expected = "<base data-href='/\(base)/'>" + String(repeating: "<a href=/o/index/\(base)/c>", count: count)
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
    }

    @Test func `fields with links have a limited length together, however much longer they become`() async throws {
        let path = "/" + String(repeating: "b", count: 300) + "/"
        try await PageScene.run { scene async throws in
            scene.origin.on(
                path,
                .text("<a href='b'>").with { answer in
                    for _ in 0..<200 { answer.headers.append(("Link", "<c>")) }
                })
            let links = try await scene.page(path, kind: .rewritten(.html)).fields.filter { $0.name.canonicalName == "link" }
            #expect(links.first?.value == "</o/index\(path)c>")
            #expect(links.count == LinkField.maxLength / "</o/index\(path)c>".utf8.count)
        }
    }
}
