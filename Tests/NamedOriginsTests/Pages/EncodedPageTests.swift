import MirrorCore
import MirrorTesting
import TestServers
import Testing

@testable import NamedOrigins

/// Pages that come compressed although identity was asked for.
@Suite(.timeLimit(.minutes(5))) struct EncodedPageTests {
    private static let text = "<a href=\"a.whl\">a</a>\n"
    /// The text.
    private static let page = Hex.decode("1f8b0800000000000203b34954c8284a4db3554ad42bcfc851b24bb4d14fb4e30200dc8b3cac16000000") ?? []
    /// 256 KiB of zeros.
    private static let zeros =
        (Hex.decode("1f8b0800000000000203edc13101000000c2a0f54fed6d07a0") ?? []) + [UInt8](repeating: 0, count: 254)
        + (Hex.decode("de0022ea0ee200000400") ?? [])

    /// A member of a hundred zeros, and one of nothing.
    private static let member = Hex.decode("1f8b08000000000002036360a03d0000cac6889964000000") ?? []
    private static let nothing = Hex.decode("1f8b080000000000020303000000000000000000") ?? []

    private static func encoded(_ bytes: [UInt8], coding: String = "gzip", type: String = "text/html") -> FakeBehavior {
        .body(bytes, etag: "\"v1-gzip\"", type: type).with { $0.headers.append(("Content-Encoding", coding)) }
    }

    @Test(
        "A page that comes with gzip is kept and given out without it, and its links are rewritten",
        arguments: ["gzip", "x-gzip", "GZIP, identity"])
    func decoded(coding: String) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a/", Self.encoded(Self.page, coding: coding))
            for freshness in [PageAnswer.Freshness.fetched, .fresh] {
                let answer = try await scene.page("/a/", kind: .rewritten(.html))
                #expect(try await answer.text == "<a href=\"/o/index/a/a.whl\">a</a>\n")
                #expect(answer.field("Content-Encoding") == nil)
                #expect(answer.freshness == freshness)
            }
        }
    }

    @Test("The tag of the compressed bytes is a weak one for the others, and the origin confirms it")
    func tag() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", Self.encoded(Self.page), .status(304))
            let first = try await scene.page("/a")
            #expect(first.field("ETag") == "W/\"v1-gzip\"")
            #expect(try await first.text == Self.text)
            scene.clock.advance(by: .seconds(60))
            let second = try await scene.page("/a")
            #expect(second.freshness == .revalidated)
            #expect(try await second.text == Self.text)
            #expect(scene.origin.requests.last?.header("If-None-Match") == "W/\"v1-gzip\"")
        }
    }

    @Test("Several members are one page, and a body without any bytes is an empty one")
    func members() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/two", Self.encoded(Self.page + Self.page))
            scene.origin.on("/none", Self.encoded([]))
            #expect(try await scene.page("/two").text == Self.text + Self.text)
            #expect(try await scene.page("/none").text == "")
        }
    }

    @Test("What is damaged, cut off, or of another coding is no page")
    func damaged() async throws {
        var wrongChecksum = Self.page
        wrongChecksum[wrongChecksum.count - 6] ^= 1
        let cases = [
            wrongChecksum, Array(Self.page.dropLast()), Array(Self.page.prefix(12)), Self.page + [1, 2, 3], Self.page.reversed(),
            Array(Self.text.utf8),
        ]
        try await PageScene.run { scene async throws in
            for (number, bytes) in cases.enumerated() {
                scene.origin.on("/\(number)", Self.encoded(bytes))
                #expect(try await scene.failure("/\(number)") == .unusable, "\(number)")
            }
            scene.origin.on("/br", Self.encoded(Self.page, coding: "br"))
            scene.origin.on("/both", Self.encoded(Self.page, coding: "gzip, br"))
            for path in ["/br", "/both"] { #expect(try await scene.failure(path) == .unusable) }
            #expect(scene.store.usage.pages == 0)
        }
    }

    @Test("What grows too much, or beyond the limit of a page, is not decompressed to its end")
    func bombs() async throws {
        var configuration = PageConfiguration()
        configuration.maxPageBytes = 100 << 10
        try await PageScene.run(configuration) { scene async throws in
            scene.origin.on("/a", Self.encoded(Self.zeros))
            #expect(try await scene.failure("/a") == .tooLarge)
        }
        try await PageScene.run { scene async throws in
            scene.origin.on("/small", Self.encoded(Self.zeros + Self.zeros))
            scene.origin.on("/a", Self.encoded(Array(repeating: Self.zeros, count: 20).flatMap(\.self)))
            #expect(try await scene.page("/small").body.length == 512 << 10)
            #expect(try await scene.failure("/a") == .unusable)
            #expect(scene.store.usage.pages == 1)
        }
    }

    @Test("What holds next to nothing in ever more members or blocks is no page")
    func nothingAtLength() async throws {
        let block: [UInt8] = [0, 0, 0, 0xFF, 0xFF]
        let lastBlock: [UInt8] = [1, 0, 0, 0xFF, 0xFF]
        // The header of a member, blocks that are stored and empty, and the member's trailer.
        let blocks = Array(Self.nothing.prefix(10)) + Array(repeatElement(block, count: 240_000).joined()) + lastBlock
        let cases: [[UInt8]] = [
            Array(repeatElement(Self.nothing, count: 60_000).joined()), blocks + [UInt8](repeating: 0, count: 8),
            Array(repeatElement(Self.member, count: GzipDecoder.maxMembers + 1).joined()),
        ]
        try await PageScene.run { scene async throws in
            for (number, bytes) in cases.enumerated() {
                scene.origin.on("/\(number)", Self.encoded(bytes))
                #expect(try await scene.failure("/\(number)") == .unusable, "\(number)")
            }
            scene.origin.on("/some", Self.encoded(Array(repeatElement(Self.member + Self.nothing, count: 1_000).joined())))
            #expect(try await scene.page("/some").body.length == 100_000)
        }
    }

    @Test("HEAD says nothing of a length that is that of other bytes, and what an origin says in place of a page is readable")
    func others() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", Self.encoded(Self.page, coding: "br"))
            scene.origin.on("/none", Self.encoded(Self.page).with { $0.status = 404 })
            let head = try await scene.page("/a") { $0.form = .fields }
            #expect(head.status == 200 && head.field("Content-Length") == nil)
            let none = try await scene.page("/none")
            #expect(none.status == 404)
            #expect(try await none.text == Self.text)
            #expect(none.field("Content-Encoding") == nil)
        }
    }
}
