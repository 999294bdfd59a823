import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import StorageGCS

@Suite("Listings", .timeLimit(.minutes(5)))
struct StoreListTests {
    /// A bucket with these names, whose pages have one entry each.
    private static func serve(_ fixture: StoreFixture, _ names: [String]) {
        let names = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        fixture.origin.on("/test-bucket") { request in
            let (start, prefix) = (request.item("start-after") ?? "", request.item("prefix") ?? "")
            let rest = names.filter { $0.utf8.starts(with: prefix.utf8) && start.utf8.lexicographicallyPrecedes($0.utf8) }
            guard let name = rest.first else {
                return StoreFixture.xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
            }
            return StoreFixture.xml(
                """
                <ListBucketResult><IsTruncated>\(rest.count > 1)</IsTruncated><Contents><Key>\(Markup.escape(name))</Key>
                <LastModified>2020-01-02T03:04:05.678Z</LastModified><ETag>"e"</ETag><Size>3</Size></Contents></ListBucketResult>
                """)
        }
    }

    private static func keys(_ count: Int) throws -> [ObjectKey] {
        let names = ["a b+ü.bin", "<&\"'>.bin", "%2F?#", "日本", "e\u{301}", "=~", "\u{301}combining"]
        return try (0..<count).map { index in
            let encoded = names[index % names.count].utf8.map { "%\(Hex.encode([$0]))" }.joined()
            return try SampleObject(encoded, size: 0).key
        }
    }

    @Test("Pages of one entry, with odd names and those of others between them, become one listing in the order of keys")
    func pages() async throws {
        try await StoreFixture.run { fixture async throws in
            let keys = try Self.keys(7).sorted { $0.precedes($1) }
            Self.serve(fixture, keys.map(\.description) + ["0", "cloud-mirror-uploads/00ff", "zzz", "\(keys[0].hash)/"])
            let all = try await fixture.store.list(after: nil, limit: 100)
            #expect(all.map(\.key) == keys)
            #expect(all.allSatisfy { $0.size == 3 && $0.etag == "\"e\"" && $0.lastModified == Timestamp(milliseconds: 1_577_934_245_678) })
            #expect(try await fixture.store.list(after: nil, limit: 2).map(\.key) == Array(keys[..<2]))
            #expect(try await fixture.store.list(after: keys[1], limit: 2).map(\.key) == Array(keys[2..<4]))
            #expect(try await fixture.store.list(after: keys[6], limit: 2).isEmpty)
        }
    }

    @Test("Under a prefix only what is under it is listed")
    func prefix() async throws {
        try await StoreFixture.run { fixture async throws in
            let keys = try Self.keys(3).sorted { $0.precedes($1) }
            let configuration = GCSConfiguration(
                bucket: StoreFixture.bucket, endpoint: fixture.store.configuration.endpoint, reading: BucketReading(keyPrefix: "/team ü/a"),
                credentials: fixture.credentials)
            let store = GCSStore(configuration: configuration, connection: fixture.store.client.connection)
            Self.serve(fixture, keys.map { "team ü/a/\($0)" } + [keys[0].description, "team ü/a/other", "team ü/aa/\(keys[0])"])
            #expect(try await store.list(after: nil, limit: 100).map(\.key) == keys)
            #expect(try await store.list(after: keys[0], limit: 1).map(\.key) == [keys[1]])
            #expect(fixture.origin.requests.allSatisfy { $0.item("prefix") == "team ü/a/" })
        }
    }

    @Test(
        "What is not a listing is refused",
        arguments: [
            "<Something/>", "<ListBucketResult><Contents/></ListBucketResult>", "nonsense", "",
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken/></ListBucketResult>",
        ])
    func odd(_ text: String) async throws {
        try await StoreFixture.run { fixture async throws in
            fixture.origin.on("/test-bucket", StoreFixture.xml(text))
            try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
        }
    }

    @Test("However much others keep in the bucket, what lies behind it is found, by long pages")
    func foreign() async throws {
        try await StoreFixture.run { fixture async throws in
            let key = try SampleObject(size: 0).key
            fixture.origin.on("/test-bucket") { request in
                // A minus precedes all digits.
                let number = request.item("start-after").flatMap { Int($0.dropFirst()) } ?? 1_000
                let (isLast, name) = number == 2_100 ? (true, key.description) : (false, "-\(number + 1)")
                let contents = "<Contents><Key>\(name)</Key><Size>3</Size></Contents>"
                return StoreFixture.xml("<ListBucketResult><IsTruncated>\(!isLast)</IsTruncated>\(contents)</ListBucketResult>")
            }
            #expect(try await fixture.store.list(after: nil, limit: 10).map(\.key) == [key])
            let lengths = fixture.origin.requests.map { $0.item("max-keys") }
            #expect(lengths.count == 1_101)
            #expect(lengths.first == "10" && lengths.dropFirst().allSatisfy { $0 == "1000" })
        }
    }

    /// A page without objects, after which there is more.
    private static func empty(_ token: String) -> FakeBehavior {
        StoreFixture.xml(
            """
            <ListBucketResult><IsTruncated>true</IsTruncated>
            <NextContinuationToken>\(token)</NextContinuationToken></ListBucketResult>
            """)
    }

    @Test("What lies behind pages without objects is found")
    func emptyPages() async throws {
        try await StoreFixture.run { fixture async throws in
            let keys = try Self.keys(2).sorted { $0.precedes($1) }
            fixture.origin.on("/test-bucket") { request in
                let (token, start) = (request.item("continuation-token") ?? "", request.item("start-after") ?? "")
                if token.isEmpty, start.isEmpty { return Self.empty("one/+&amp;") }
                if token == "one/+&" { return Self.empty("two") }
                guard token == "two" || start == keys[0].description else { return .status(400) }
                let isLast = token.isEmpty
                let contents = "<Contents><Key>\(Markup.escape(keys[isLast ? 1 : 0].description))</Key><Size>3</Size></Contents>"
                return StoreFixture.xml("<ListBucketResult><IsTruncated>\(!isLast)</IsTruncated>\(contents)</ListBucketResult>")
            }
            #expect(try await fixture.store.list(after: nil, limit: 10).map(\.key) == keys)
            #expect(fixture.origin.requests.count == 4)
        }
    }

    @Test("Pages without objects end, also if the service repeats one, or always has another")
    func endlessEmptyPages() async throws {
        try await StoreFixture.run { fixture async throws in
            fixture.origin.on("/test-bucket") { _ in Self.empty("again") }
            try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
            #expect(fixture.origin.requests.count == 2)
        }
        try await StoreFixture.run { fixture async throws in
            let turns = Turns()
            fixture.origin.on("/test-bucket") { _ in Self.empty("\(turns.next())") }
            try await requireStorageError(.unavailable, "list") { try await fixture.store.list(after: nil, limit: 10) }
            #expect(fixture.origin.requests.count == PageWatch.maxEmpty)
        }
    }

    @Test("A health check tells who may not list what to permit")
    func health() async throws {
        try await StoreFixture.run { fixture async throws in
            Self.serve(fixture, [])
            try await fixture.store.checkHealth()
            fixture.origin.on("/test-bucket", StoreFixture.error(403, "AccessDenied"))
            let error = try await requireStorageError(.permissionDenied, "checkHealth") { try await fixture.store.checkHealth() }
            #expect(error.message.contains("storage.objects.list"))
            #expect(error.operation == "gcs.checkHealth")
        }
    }
}
