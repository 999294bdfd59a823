import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import StorageAzure

@Suite("Listings", .timeLimit(.minutes(5)))
struct StoreListTests {
    /// Keys with odd names, in their order.
    private static func keys(_ count: Int = 7) throws -> [ObjectKey] {
        let names = ["a b.bin", "ü&<>.bin", "a+b.bin", "%25.bin", "a'b.bin", "~.bin", "~%2F.bin", "x", "y", "z"]
        return try names.prefix(count).map { try SampleObject($0, size: 1).key }.sorted { $0.precedes($1) }
    }

    private func fixture(
        _ keys: [ObjectKey], pageSize: Int, prefix: String = "", script: @escaping StoreFixture.Script = { _ in nil },
        _ body: @escaping @Sendable (StoreFixture) async throws -> Void
    ) async throws {
        var setup = StoreFixture.Setup()
        setup.blobs = FakeBlobs(pageSize: pageSize)
        setup.keyPrefix = prefix
        for key in keys { setup.blobs.put(prefix + key.description, [1, 2, 3]) }
        try await StoreFixture.run(setup, script: script, body)
    }

    private func all(_ store: AzureStore, by limit: Int) async throws -> [ObjectInfo] {
        var found: [ObjectInfo] = []
        while true {
            let page = try await store.list(after: found.last?.key, limit: limit)
            found += page
            if page.count < limit { return found }
        }
    }

    @Test("All objects are listed once and in their order, whatever the pages of the service", arguments: [1, 2, 5_000], [1, 3, 1_000])
    func pages(_ pageSize: Int, _ limit: Int) async throws {
        let keys = try Self.keys()
        for prefix in ["", "cloud-mirror/"] {
            try await fixture(keys, pageSize: pageSize, prefix: prefix) { fixture async throws in
                let found = try await all(fixture.store, by: limit)
                #expect(found.map(\.key) == keys)
                #expect(found.allSatisfy { $0.size == 3 && $0.etag.hasPrefix("\"0x") })
                #expect(found.first?.lastModified == Timestamp(httpDate: FakeBlobs.date))
                #expect(fixture.requests.allSatisfy { $0.query["prefix"] == (prefix.isEmpty ? nil : prefix) })
            }
        }
    }

    @Test("Where a listing goes on is remembered; elsewhere it is walked to")
    func markers() async throws {
        let keys = try Self.keys()
        try await fixture(keys, pageSize: 5_000) { fixture async throws in
            _ = try await all(fixture.store, by: 2)
            // The last page is not full.
            #expect(fixture.requests.map { $0.query["marker"] != nil } == [false, true, true, true])
            #expect(fixture.requests.allSatisfy { $0.query["maxresults"] == "2" })
        }
        try await fixture(keys, pageSize: 2) { fixture async throws in
            let found = try await fixture.store.list(after: keys[4], limit: 1)
            #expect(found.map(\.key) == [keys[5]])
            #expect(fixture.requests.map { $0.query["marker"] != nil } == [false, true, true])
            #expect(fixture.requests.first?.query["maxresults"] == "2000")
            // From where it was.
            #expect(try await fixture.store.list(after: keys[5], limit: 1).map(\.key) == [keys[6]])
            #expect(fixture.requests.last?.query["maxresults"] == "1")
        }
    }

    @Test("A marker that the service no longer takes is forgotten")
    func forgotten() async throws {
        let keys = try Self.keys()
        let script: StoreFixture.Script = { request in
            request.query["marker"] == nil ? nil : FakeBlobs.error(400, "OutOfRangeInput")
        }
        try await fixture(keys, pageSize: 5_000, script: script) { fixture async throws in
            _ = try await fixture.store.list(after: nil, limit: 2)
            #expect(try await fixture.store.list(after: keys[1], limit: 2).map(\.key) == [keys[2], keys[3]])
            #expect(fixture.requests.map { $0.query["marker"] != nil } == [false, true, false])
        }
    }

    @Test("What others keep in the container is passed over")
    func others() async throws {
        let keys = try Self.keys(2)
        try await fixture(keys, pageSize: 1, prefix: "cloud-mirror/") { fixture async throws in
            for name in ["other.txt", "cloud-mirror/readme", "cloud-mirror/\(keys[0])/x/y", "cloud-mirror", "zzz/\(keys[0])"] {
                fixture.blobs.put(name, [1])
            }
            #expect(try await all(fixture.store, by: 1).map(\.key) == keys)
        }
    }

    @Test("A name that the service encodes is not what it looks like")
    func encoded() async throws {
        let key = try SampleObject(size: 1).key
        let size = "<Properties><Content-Length>1</Content-Length></Properties>"
        let script: StoreFixture.Script = { _ in
            .init(
                body: "<EnumerationResults><Blobs><Blob><Name>\(key)</Name>\(size)</Blob>"
                    + "<Blob><Name Encoded=\"true\">\(key)%01</Name>\(size)</Blob></Blobs><NextMarker /></EnumerationResults>")
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            #expect(try await fixture.store.list(after: nil, limit: 10).map(\.key) == [key])
        }
    }

    @Test(
        "An answer that is not a listing is told",
        arguments: [
            "", "<html/>", "<EnumerationResults/>", "<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>",
            "<EnumerationResults><Blobs><Blob><Name>KEY</Name></Blob></Blobs></EnumerationResults>",
            "<EnumerationResults><Blobs><Blob><Name>KEY</Name><Properties><Content-Length>-1</Content-Length></Properties></Blob></Blobs>"
                + "</EnumerationResults>",
            "<EnumerationResults><Blobs></Blobs><NextMarker>the same</NextMarker></EnumerationResults>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><EnumerationResults><Blobs/></EnumerationResults>",
        ])
    func nonsense(_ text: String) async throws {
        let key = try SampleObject(size: 1).key
        let script: StoreFixture.Script = { _ in .init(body: text.replacing("KEY", with: key.description)) }
        try await StoreFixture.run(script: script) { fixture async throws in
            try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
            #expect(fixture.requests.count <= 2)
        }
    }

    @Test("A service that sends us in circles is told, and no object comes twice")
    func circles() async throws {
        let key = try SampleObject(size: 1).key
        let script: StoreFixture.Script = { request in
            let next = request.query["marker"] == "a" ? "b" : "a"
            return .init(
                body: "<EnumerationResults><Blobs><Blob><Name>\(key)</Name><Properties><Content-Length>1</Content-Length></Properties>"
                    + "</Blob></Blobs><NextMarker>\(next)</NextMarker></EnumerationResults>")
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
            #expect(fixture.requests.count == 3)
        }
    }

    @Test("However much others keep in the container, what lies behind it is found, by long pages")
    func foreign() async throws {
        let key = try SampleObject(size: 1).key
        let script: StoreFixture.Script = { request in
            let number = request.query["marker"].flatMap { Int($0) } ?? 0
            let (name, next) = number == 1_100 ? (key.description, "") : ("other", "\(number + 1)")
            return .init(
                body: "<EnumerationResults><Blobs><Blob><Name>\(name)</Name><Properties><Content-Length>1</Content-Length></Properties>"
                    + "</Blob></Blobs><NextMarker>\(next)</NextMarker></EnumerationResults>")
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            #expect(try await fixture.store.list(after: nil, limit: 10).map(\.key) == [key])
            let lengths = fixture.requests.map { $0.query["maxresults"] }
            #expect(lengths.count == 1_101)
            #expect(lengths.first == "10" && lengths.dropFirst().allSatisfy { $0 == "2000" })
        }
    }

    @Test("Pages with nothing in them are not asked for without end")
    func empty() async throws {
        let script: StoreFixture.Script = { request in
            let number = request.query["marker"].flatMap { Int($0) } ?? 0
            return .init(body: "<EnumerationResults><Blobs /><NextMarker>\(number + 1)</NextMarker></EnumerationResults>")
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            let error = try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
            #expect(error.message.contains("1000 pages"))
            #expect(fixture.requests.count == 1_000)
        }
    }

    @Test("A page has 1 to 1,000 objects", arguments: [0, -1, 1_001])
    func limits(_ limit: Int) async throws {
        try await StoreFixture.run { fixture async throws in
            try await requireStorageError(.invalidRequest, "list") { try await fixture.store.list(after: nil, limit: limit) }
            #expect(fixture.requests.isEmpty)
        }
    }
}
