import Logging
import MirrorCore
import NIOCore
import Synchronization
import TestServers
import Testing

@testable import NamedOrigins

@Suite(.timeLimit(.minutes(5))) struct PageStoreTests {
    private static func open(
        _ directory: TemporaryDirectory, maxBytes: Int64 = 1 << 20, maxPages: Int = 100, maxKnown: Int = 100,
        log: LogRecorder = LogRecorder()
    ) throws -> PageStore {
        try PageStore(directory: "\(directory.path)/pages", maxBytes: maxBytes, maxPages: maxPages, maxKnown: maxKnown, logger: log.logger)
    }

    private static func key(_ number: Int, variant: String = "page") throws -> PageKey {
        PageKey(try ArtifactURL("https://index.example/\(number)"), variant: variant)
    }

    private struct Pieces: AsyncSequence, Sendable {
        let pieces: [ByteBuffer]

        struct AsyncIterator: AsyncIteratorProtocol {
            var rest: ArraySlice<ByteBuffer>

            mutating func next() async throws -> ByteBuffer? { rest.popFirst() }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: pieces[...]) }
    }

    @discardableResult
    private static func put(
        _ bytes: [UInt8], as key: PageKey, in store: PageStore, at time: Int64 = 1_000, for network: ClientNetwork? = nil
    ) async throws -> StoredPage {
        let page = try await keep(bytes, as: key, in: store, at: time, since: store.moment(of: key.url), for: network)
        return try #require(page)
    }

    private static func keep(
        _ bytes: [UInt8], as key: PageKey, in store: PageStore, at time: Int64 = 1_000, since moment: Int, for network: ClientNetwork? = nil
    ) async throws -> StoredPage? {
        let (writer, record) = try await write(bytes, as: key, in: store, at: time)
        return try await store.keep(writer, record, as: key, since: moment, for: network)
    }

    /// What arrives for a page, which is not kept yet.
    private static func write(
        _ bytes: [UInt8], as key: PageKey, in store: PageStore, at time: Int64 = 1_000
    ) async throws -> (PageWriter, PageRecord) {
        let writer = try await store.newFile()
        let pieces = stride(from: 0, to: bytes.count, by: 100_000).map { ByteBuffer(bytes: bytes[$0..<min($0 + 100_000, bytes.count)]) }
        let written = try #require(try await writer.write(Pieces(pieces: pieces), limit: .max))
        let record = PageRecord(
            url: key.url.description, variant: key.variant, finalURL: key.url.description,
            fields: [.init(name: "content-type", value: "text/plain")],
            etag: "\"1\"", lastModified: nil, maxAge: 7, length: written.length, sha256: written.sha256, fetched: time)
        return (writer, record)
    }

    private static func bytes(of key: PageKey, in store: PageStore) async throws -> [UInt8]? {
        guard let page = await store.find(key) else { return nil }
        var bytes: [UInt8] = []
        for try await chunk in PageBody(try await store.body(of: page, key)) { bytes.append(contentsOf: chunk.readableBytesView) }
        return bytes
    }

    private static let large = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 7 + $0 >> 8) }

    @Test("A page is there after a restart, with all that is known of it, and when it was confirmed")
    func restart() async throws {
        let directory = try TemporaryDirectory()
        for body in [[], Array("small".utf8), Self.large] {
            let key = try Self.key(body.count)
            do {
                let store = try Self.open(directory)
                let page = try await Self.put(body, as: key, in: store)
                #expect(try await Self.bytes(of: key, in: store) == body)
                await store.confirm(page, key, at: Timestamp(milliseconds: 5_000))
                store.close()
            }
            let store = try Self.open(directory)
            defer { store.close() }
            let page = try #require(await store.find(key))
            #expect(page.validated.load(ordering: .relaxed) == 5_000)
            #expect(page.record.fetched == 1_000)
            #expect(page.record.etag == "\"1\"")
            #expect(page.record.maxAge == 7)
            #expect(page.record.contentType == "text/plain")
            #expect(try await Self.bytes(of: key, in: store) == body)
            #expect(await store.find(try Self.key(body.count, variant: "other")) == nil)
        }
    }

    @Test("Of a long page, a reader who stalls holds no more than a small piece")
    func pieces() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        defer { store.close() }
        let key = try Self.key(1)
        let page = try await Self.put(Self.large, as: key, in: store)
        for try await chunk in PageBody(try await store.body(of: page, key)) { #expect(chunk.readableBytes <= 64 << 10) }
    }

    @Test("A new page takes the place of the old one; who reads the old one reads it to its end")
    func replacement() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let key = try Self.key(1)
        let page = try await Self.put(Self.large, as: key, in: store)
        let old = PageBody(try await store.body(of: page, key))
        try await Self.put(Array("new".utf8), as: key, in: store)
        var bytes: [UInt8] = []
        for try await chunk in old { bytes.append(contentsOf: chunk.readableBytesView) }
        #expect(bytes == Self.large)
        #expect(try await Self.bytes(of: key, in: store) == Array("new".utf8))
        #expect(store.usage.pages == 1)
        let size = try directory.files(in: "pages").filter { $0 != "lock" }.map { try directory.read("pages/\($0)").count }
        #expect(size.map(Int64.init) == [store.usage.bytes])
    }

    @Test("Who has found a page that is then replaced does not get the bytes of the new one for it")
    func replacedMeanwhile() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let key = try Self.key(1)
        let old = try await Self.put(Array("one".utf8), as: key, in: store)
        #expect(try await Self.bytes(of: key, in: store) == Array("one".utf8))
        try await Self.put(Array("two".utf8), as: key, in: store)
        #expect(try await Self.bytes(of: key, in: store) == Array("two".utf8))
        var bytes: [UInt8] = []
        for try await chunk in PageBody(try await store.body(of: old, key)) { bytes.append(contentsOf: chunk.readableBytesView) }
        #expect(bytes == Array("one".utf8))
    }

    @Test("Of a few pages only is it in memory what is known of them; the others are read again")
    func known() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory, maxKnown: 4)
        let key = try Self.key(0)
        let first = try await Self.put(Array("some text".utf8), as: key, in: store)
        #expect(await store.find(key) === first)
        await store.confirm(first, key, at: Timestamp(milliseconds: 5_000))
        for number in 1...4 { try await Self.put([1], as: try Self.key(number), in: store) }
        let again = try #require(await store.find(key))
        #expect(again !== first)
        #expect(again.record == first.record)
        #expect(again.validated.load(ordering: .relaxed) == 5_000)
        #expect(try await Self.bytes(of: key, in: store) == Array("some text".utf8))
        #expect(store.usage.pages == 5)
    }

    @Test("A file that is not as it was written is removed, wherever the damage is")
    func damage() async throws {
        let directory = try TemporaryDirectory()
        let key = try Self.key(1)
        let first = try Self.open(directory)
        try await Self.put(Array("some text".utf8), as: key, in: first)
        first.close()
        let whole = try directory.read("pages/\(key.fileName)")
        // All but the moment of the confirmation and what is not used.
        let footer = whole.count - PageFooter.size
        let cuts = [0, 1, 9, whole.count - PageFooter.size, whole.count - 1].map { Array(whole.prefix($0)) }
        let changes = (0..<whole.count).filter { !(footer..<(footer + 16)).contains($0) && !((footer + 24)..<(footer + 32)).contains($0) }
            .map { place in
                var bytes = whole
                bytes[place] ^= 0x10
                return bytes
            }
        for bytes in cuts + changes + [whole + [0], [UInt8](repeating: 0, count: whole.count)] {
            try directory.write(bytes, to: "pages/\(key.fileName)")
            let store = try Self.open(directory)
            #expect(await store.find(key) == nil)
            #expect(store.usage.pages == 0)
            #expect(try directory.files(in: "pages") == ["lock"])
            store.close()
        }
        // A damaged moment makes the page as old as it was at first.
        var bytes = whole
        bytes[footer + 3] ^= 1
        try directory.write(bytes, to: "pages/\(key.fileName)")
        let store = try Self.open(directory)
        #expect(await store.find(key)?.validated.load(ordering: .relaxed) == 1_000)
    }

    @Test("A file under the name of another page is not that page")
    func swapped() async throws {
        let directory = try TemporaryDirectory()
        let (one, two) = (try Self.key(1), try Self.key(2))
        let first = try Self.open(directory)
        try await Self.put(Array("one".utf8), as: one, in: first)
        first.close()
        try directory.write(try directory.read("pages/\(one.fileName)"), to: "pages/\(two.fileName)")
        let store = try Self.open(directory)
        #expect(await store.find(two) == nil)
        #expect(try await Self.bytes(of: one, in: store) == Array("one".utf8))
    }

    @Test("What a crash left half done is removed; what is not the store's stays")
    func leftovers() async throws {
        let directory = try TemporaryDirectory()
        try Self.open(directory).close()
        try directory.write("half", to: "pages/new-1")
        try directory.write("mine", to: "pages/README")
        let store = try Self.open(directory)
        #expect(try directory.files(in: "pages") == ["README", "lock"])
        #expect(store.usage.pages == 0)
        try await Self.put([1], as: try Self.key(1), in: store)
    }

    @Test("Pages that were not used for the longest time make room", arguments: [true, false])
    func room(_ byBytes: Bool) async throws {
        let directory = try TemporaryDirectory()
        let store = try byBytes ? Self.open(directory, maxBytes: 200_000) : Self.open(directory, maxPages: 10)
        let body = [UInt8](repeating: 7, count: byBytes ? 19_000 : 10)
        for number in 0..<40 {
            try await Self.put(body, as: try Self.key(number), in: store)
            // One is in use all the time.
            #expect(await store.find(try Self.key(0)) != nil)
            #expect(store.usage.pages <= 10)
            #expect(store.usage.bytes <= 200_000)
        }
        #expect(store.usage.pages >= 8)
        #expect(await store.find(try Self.key(39)) != nil)
        #expect(await store.find(try Self.key(1)) == nil)
        #expect(try directory.files(in: "pages").count == store.usage.pages + 1)
        let other = try TemporaryDirectory()
        let small = try Self.open(other, maxBytes: 200_000)
        await #expect(throws: PageStoreError.self) {
            try await Self.put([UInt8](repeating: 0, count: 300_000), as: try Self.key(50), in: small)
        }
    }

    @Test("A page that has just taken the place of one that was to make room stays")
    func replacedInTheWay() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory, maxPages: 20)
        // Eight of 24 at a time: those that have not been used for the longest time, of which some have made room already.
        for round in 0..<300 {
            let keys = try (0..<8).map { try Self.key(round % 3 * 8 + $0) }
            let pages: [(PageKey, StoredPage)] = try await withThrowingTaskGroup(of: (PageKey, StoredPage).self) { group in
                for key in keys { group.addTask { (key, try await Self.put(Array("\(round) \(key.url)".utf8), as: key, in: store)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (key, page) in pages { #expect(try await store.body(of: page, key).length == page.record.length) }
        }
    }

    @Test("A page that takes the place of a damaged one while that is read stays")
    func replacedWhileRead() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory, maxKnown: 4)
        let key = try Self.key(0)
        for round in 0..<200 {
            // So many others that nothing is known of it any more.
            for number in 0...4 { try await Self.put([1], as: try Self.key(number), in: store) }
            try directory.write("damaged", to: "pages/\(key.fileName)")
            let body = Array("\(round)".utf8)
            let (writer, record) = try await Self.write(body, as: key, in: store)
            async let found = store.find(key)
            async let kept = store.keep(writer, record, as: key, since: store.moment(of: key.url), for: nil)
            _ = try await (found, kept)
            #expect(try await Self.bytes(of: key, in: store) == body)
        }
    }

    @Test("A store that may have less than before makes room when it is opened", arguments: [true, false])
    func lessRoom(_ byBytes: Bool) async throws {
        let directory = try TemporaryDirectory()
        let before = try Self.open(directory)
        for number in 0..<20 { try await Self.put([UInt8](repeating: 7, count: 19_000), as: try Self.key(number), in: before) }
        before.close()
        let store = try byBytes ? Self.open(directory, maxBytes: 200_000) : Self.open(directory, maxPages: 10)
        #expect((8...10).contains(store.usage.pages))
        #expect(try directory.files(in: "pages").count == store.usage.pages + 1)
    }

    @Test(
        "A network that has more than its share makes room with its own pages",
        arguments: [
            // A quarter of the bytes, of the pages, and for a site three quarters.
            (6, 19_000, 100, false), (6, 10, 10, false), (2, 19_000, 100, true),
        ] as [(Int, Int, Int, Bool)])
    func shares(others: Int, size: Int, maxPages: Int, isSite: Bool) async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory, maxBytes: 200_000, maxPages: maxPages)
        let body = [UInt8](repeating: 7, count: size)
        for number in 0..<others {
            try await Self.put(body, as: try Self.key(number), in: store, for: ClientNetwork(IPAddress("192.0.2.\(number)")))
        }
        for number in 0..<40 {
            let network = ClientNetwork(IPAddress(isSite ? "2001:db8:1:\(number)::1" : "198.51.100.1"))
            try await Self.put(body, as: try Self.key(100 + number), in: store, for: network)
        }
        for number in 0..<others { #expect(await store.find(try Self.key(number)) != nil, "\(number)") }
        #expect(await store.find(try Self.key(139)) != nil)
        #expect(store.usage.bytes <= 200_000 && store.usage.pages <= maxPages)
    }

    @Test("A page is of the network that brought it, also when another one has it fetched again, until it is gone")
    func owners() async throws {
        // Of ten pages, a network may have two.
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory, maxPages: 10)
        let networks = (1...3).map { ClientNetwork(IPAddress("192.0.2.\($0)")) }
        func put(_ numbers: ClosedRange<Int>, for network: ClientNetwork? = nil) async throws {
            for number in numbers { try await Self.put([1], as: try Self.key(number), in: store, for: network) }
        }
        try await put(0...1, for: networks[0])
        try await put(2...4, for: networks[1])
        try await put(2...4, for: networks[0])
        try await put(5...10)
        #expect(await store.find(try Self.key(1)) != nil)
        #expect(await store.find(try Self.key(2)) == nil)
        for number in 0...10 { store.purge(try Self.key(number).url) }
        try await put(20...22, for: networks[2])
        for number in 20...22 { store.purge(try Self.key(number).url) }
        try await put(30...38)
        try await put(23...23, for: networks[2])
        try await put(39...39)
        #expect(store.usage.pages == 9)
        #expect(await store.find(try Self.key(23)) != nil)
    }

    @Test("What was requested before a purge is not kept, however many purges there were since", arguments: [0, 1_000])
    func purge(_ others: Int) async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        let key = try Self.key(1)
        try await Self.put([1], as: key, in: store)
        try await Self.put([1], as: try Self.key(1, variant: "other"), in: store)
        try await Self.put([1], as: try Self.key(2), in: store)
        let moment = store.moment(of: key.url)
        let other = store.moment(of: try Self.key(2).url)
        #expect(store.purge(key.url) == 2)
        for number in 0..<others { store.purge(try Self.key(number + 10).url) }
        #expect(try await Self.keep([2], as: key, in: store, since: moment) == nil)
        #expect(await store.find(key) == nil)
        #expect(store.usage.pages == 1)
        try await eventually("nothing is left over") { try directory.files(in: "pages").count == 2 }
        if others == 0 { #expect(try await Self.keep([2], as: try Self.key(2), in: store, since: other) != nil) }
        try await Self.put([3], as: key, in: store)
        #expect(try await Self.bytes(of: key, in: store) == [3])
    }

    @Test("A directory belongs to one process at a time")
    func lock() throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open(directory)
        #expect { try Self.open(directory) } throws: { "\($0)".contains("another process uses it") }
        withExtendedLifetime(store) {}
        try directory.write("a file", to: "blocked")
        #expect(throws: PageStoreError.self) {
            try PageStore(directory: "\(directory.path)/blocked", maxBytes: 1, logger: LogRecorder().logger)
        }
    }

    @Test("Everything that was seen before is there when the mirror starts again without the origin")
    func restartWithoutOrigin() async throws {
        let directory = try TemporaryDirectory()
        var url = ""
        try await PageScene.run(directory: directory) { scene async throws in
            scene.origin.on("/a", .text("one"))
            _ = try await scene.page("/a")
            url = scene.origin.url("/a")
        }
        let before = try ArtifactURL(url)
        try await PageScene.run(directory: directory) { scene async throws in
            // Nobody listens there any more, and it is on the list of nobody: the page is found, and the origin refused.
            let answer = try await scene.page("/a") { $0.url = before }
            #expect(answer.freshness == .fresh)
            #expect(try await answer.text == "one")
        }
    }
}
