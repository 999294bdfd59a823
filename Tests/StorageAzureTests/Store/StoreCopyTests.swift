import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOHTTP1
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Copies by the service itself", .timeLimit(.minutes(5)))
struct StoreCopyTests {
    private static let small = [UInt8](repeating: 7, count: 1_000)

    private func run(
        credentials: GivenCredentials = GivenCredentials(), script: @escaping StoreFixture.Script = { _ in nil },
        _ body: @escaping @Sendable (StoreFixture) async throws -> Void
    ) async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = credentials
        try await StoreFixture.run(setup, script: script, body)
    }

    @Test("A small object is copied in one request; what it became is looked at")
    func whole() async throws {
        let object = try SampleObject(size: 1_000)
        var setup = StoreFixture.Setup()
        let blobs = FakeBlobs()
        setup.blobs = blobs
        let script: StoreFixture.Script = { request in
            guard request.kind == .copy else { return nil }
            let kept = request.headers.filter { $0.name.hasPrefix("x-ms-meta-") } + [("Content-Type", "application/x-tar")]
            let blob = blobs.put(request.blob ?? "", Self.small, headers: kept)
            return .init(status: 201, headers: [("ETag", blob.etag), ("Last-Modified", FakeBlobs.date)])
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            var metadata = object.metadata
            metadata.contentType = "application/x-tar"
            var source = fixture.source("a b+ü", size: 1_000, etag: "\"x\"")
            source.version = "2023-11-03T00:00:00.0000000Z"
            let info = try await fixture.store.copy(object.key, from: source, metadata: metadata, condition: .absent)
            #expect(info.size == 1_000 && info.metadata.contentType == "application/x-tar")
            #expect(fixture.kinds == [.head, .copy, .head])
            let request = fixture.requests[1]
            let url = try #require(request.header("x-ms-copy-source"))
            let plain = "\(fixture.server.url)/testaccount/other/a%20b%2B%C3%BC?versionid=2023-11-03T00%3A00%3A00.0000000Z&"
            #expect(url.hasPrefix(plain) && url.contains("sig=") && url.contains("sr=bv"))
            #expect(request.header("x-ms-source-if-match") == "\"x\"")
            #expect(request.header("x-ms-copy-source-blob-properties") == "false")
            #expect(request.header("x-ms-blob-content-type") == "application/x-tar")
            #expect(request.header("if-none-match") == "*")
            #expect(request.header("content-length") == "0")
        }
    }

    @Test("A token reads the source, too, and is not part of its address; a SAS token of the account stands there")
    func permissions() async throws {
        let object = try SampleObject(size: 1)
        let refuse: StoreFixture.Script = { $0.kind == .copy ? FakeBlobs.error(403, "CannotVerifyCopySource") : nil }
        for credentials in [GivenCredentials.tokens("t"), .signature("sv=1&sig=s"), GivenCredentials([nil])] {
            try await run(credentials: credentials, script: refuse) { fixture async throws in
                let source = fixture.source(size: 1_000)
                let error = try await requireStorageError(.permissionDenied, "copy") {
                    try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                }
                #expect(error.message.contains("the source of"))
                let request = try #require(fixture.requests.last)
                let plain = StoreFixture.place(on: fixture.server)
                switch try await credentials.credentials()?.kind {
                case .token:
                    #expect(request.header("x-ms-copy-source") == plain)
                    #expect(request.header("x-ms-copy-source-authorization") == "Bearer t")
                case .signature:
                    #expect(request.header("x-ms-copy-source") == "\(plain)?sv=1&sig=s")
                    #expect(request.header("x-ms-copy-source-authorization") == nil)
                default: #expect(request.header("x-ms-copy-source") == plain)
                }
            }
        }
    }

    @Test("A large object is copied in blocks by several requests at a time, and nothing is visible before all are there")
    func inBlocks() async throws {
        let size: Int64 = 200 << 20
        let object = try SampleObject(size: 1)
        let ranges = WatchedState<[String]>([])
        let script: StoreFixture.Script = { request in
            switch request.kind {
            case .copyBlock:
                ranges.change { $0.append(request.header("x-ms-source-range") ?? "") }
                return .init(status: 201, headers: [("x-ms-content-crc64", "AAAAAAAAAAA=")])
            case .blocks: return .init(status: 201, headers: [("ETag", "\"e\""), ("Last-Modified", FakeBlobs.date)])
            default: return nil
            }
        }
        try await run(script: script) { fixture async throws in
            let info = try await fixture.store.copy(
                object.key, from: fixture.source(size: size), metadata: object.metadata, condition: .absent)
            #expect(info.size == size && info.etag == "\"e\"")
            #expect(info.lastModified == Timestamp(httpDate: FakeBlobs.date))
            var end: Int64 = 0
            let parsed = ranges.current.compactMap { range in
                let ends = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int64($0) }
                return ends.count == 2 ? (first: ends[0], last: ends[1]) : nil
            }
            for range in parsed.sorted(by: { $0.first < $1.first }) {
                #expect(range.first == end)
                end = range.last + 1
            }
            #expect(end == size && parsed.count > 4)
            let list = try #require(fixture.requests.last)
            #expect(list.kind == .blocks && list.header("if-none-match") == "*")
            #expect(list.text.components(between: "<Latest>", and: "</Latest>").count == parsed.count)
            #expect(list.header("x-ms-copy-source") == nil)
        }
    }

    @Test("A copy of another length is removed again, and one that somebody replaced is left alone")
    func wrongCopies() async throws {
        let object = try SampleObject(size: 1_000)
        let blobs = FakeBlobs()
        var setup = StoreFixture.Setup()
        setup.blobs = blobs
        let script: StoreFixture.Script = { request in
            guard request.kind == .copy else { return nil }
            let copy = blobs.put(request.blob ?? "", [1])
            return .init(status: 201, headers: [("ETag", copy.etag)])
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            try await requireStorageError(.unavailable, "copy") {
                try await fixture.store.copy(object.key, from: fixture.source(size: 1_000), metadata: object.metadata, condition: .none)
            }
            #expect(fixture.blobs.names.isEmpty)
            #expect(fixture.requests.last?.header("if-match") != nil)
        }
        let replaced: StoreFixture.Script = { request in
            guard request.kind == .copy else { return nil }
            let copy = blobs.put(request.blob ?? "", Self.small)
            blobs.put(request.blob ?? "", [1])
            return .init(status: 201, headers: [("ETag", copy.etag)])
        }
        try await StoreFixture.run(setup, script: replaced) { fixture async throws in
            try await requireStorageError(.preconditionFailed, "copy") {
                try await fixture.store.copy(object.key, from: fixture.source(size: 1_000), metadata: object.metadata, condition: .none)
            }
            #expect(fixture.blobs.blob(object.key.description)?.bytes == [1])
        }
    }

    @Test("A server that copies later has copied nothing, and what it began is removed", arguments: ["pending", "failed", "aborted"])
    func unfinished(_ status: String) async throws {
        let object = try SampleObject(size: 1_000)
        let blobs = FakeBlobs()
        var setup = StoreFixture.Setup()
        setup.blobs = blobs
        let script: StoreFixture.Script = { request in
            guard request.kind == .copy else { return nil }
            let copy = blobs.put(request.blob ?? "", Self.small)
            return .init(status: 202, headers: [("ETag", copy.etag), ("x-ms-copy-id", "1"), ("x-ms-copy-status", status)])
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            try await requireStorageError(.unsupported, "copy") {
                try await fixture.store.copy(object.key, from: fixture.source(size: 1_000), metadata: object.metadata, condition: .absent)
            }
            #expect(fixture.blobs.names.isEmpty)
            #expect(fixture.count(.copy) == 1)
        }
    }

    @Test("What is there is not copied over where there must be nothing, and costs one look")
    func absent() async throws {
        let object = try SampleObject(size: 1_000)
        try await run { fixture async throws in
            _ = try await object.put(into: fixture.store)
            for size in [1_000, 100 << 20] as [Int64] {
                let before = fixture.requests.count
                try await requireStorageError(.preconditionFailed, "copy") {
                    let source = fixture.source(size: size)
                    return try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .absent)
                }
                #expect(fixture.requests.dropFirst(before).map(\.kind) == [.head])
            }
        }
    }

    @Test(
        "What the service says of the source is passed on",
        arguments: [
            (404, "CannotVerifyCopySource", .notFound), (412, "SourceConditionNotMet", .preconditionFailed),
            (403, "CannotVerifyCopySource", .permissionDenied), (409, "CannotVerifyCopySource", .unavailable),
        ] as [(Int, String, StorageError.Code)])
    func sources(_ status: Int, _ code: String, _ expected: StorageError.Code) async throws {
        let object = try SampleObject(size: 1)
        let script: StoreFixture.Script = {
            [.copy, .copyBlock].contains($0.kind) ? FakeBlobs.error(status, code) : nil
        }
        try await run(script: script) { fixture async throws in
            for size in [1_000, 100 << 20] as [Int64] {
                try await requireStorageError(expected, "copy") {
                    try await fixture.store.copy(object.key, from: fixture.source(size: size), metadata: object.metadata, condition: .none)
                }
            }
            #expect(fixture.count(.blocks) == 0)
        }
    }

    @Test(
        "A source whose server wants other credentials costs one request, and the pool's own token stays in use",
        arguments: [("CannotVerifyCopySource", ""), ("CopySourceNotVerified", ""), ("InvalidAuthenticationInfo", "ExpiredToken")])
    func refusingSource(_ code: String, _ sourceCode: String) async throws {
        let object = try SampleObject(size: 1)
        let script: StoreFixture.Script = {
            $0.kind == .copy ? FakeBlobs.error(401, code, headers: [("x-ms-copy-source-error-code", sourceCode)]) : nil
        }
        try await run(credentials: .tokens("first", "second"), script: script) { fixture async throws in
            let error = try await requireStorageError(.permissionDenied, "copy") {
                try await fixture.store.copy(
                    object.key, from: fixture.source(size: 1_000), metadata: object.metadata, condition: .none)
            }
            #expect(error.message.contains("the source of"))
            #expect(fixture.count(.copy) == 1)
            #expect(fixture.credentials.invalidations == 0)
        }
    }

    @Test("What is out of reach is not copied: other services, other servers, and with a key other accounts")
    func reach() async throws {
        try await StoreFixture.run { fixture async throws in
            let near = fixture.source(size: 1)
            #expect(fixture.store.canCopy(from: near))
            for change in [
                { $0.service = "s3" }, { $0.endpoint = "http://127.0.0.1:1/testaccount" }, { $0.size = -1 }, { $0.size = .max },
                { $0.endpoint = "https://testaccount.blob.core.windows.net" }, { $0.endpoint = "nonsense" }, { $0.region = "other" },
            ] as [(inout CopySource) -> Void] {
                var far = near
                change(&far)
                #expect(!fixture.store.canCopy(from: far), "\(far)")
            }
        }
        var setup = StoreFixture.Setup()
        setup.credentials = .tokens("t")
        let own = AzureEndpoint(account: StoreFixture.account)
        setup.change = { $0.endpoint = own }
        try await StoreFixture.run(setup) { fixture async throws in
            let other = CopySource(
                service: "azure", endpoint: "https://another.blob.core.windows.net", region: "another", bucket: "b", key: "k", size: 1)
            #expect(!fixture.store.canCopy(from: other), "nothing has been sent with a token yet")
            let token = try await fixture.credentials.credentials()
            _ = try fixture.store.client.signed(AzureCall("head", .HEAD, .bucket), token, isPart: false)
            #expect(fixture.store.canCopy(from: other))
            var china = other
            china.endpoint = "https://another.blob.core.chinacloudapi.cn"
            #expect(!fixture.store.canCopy(from: china), "no token is sent to another cloud")
        }
    }

    @Test(
        "The blocks of a copy are neither too small, nor too large, nor too many", arguments: [0, 1, 64, 65, 1_000, 1_024, 50_000, 5 << 20])
    func blockSizes(_ mebibytes: Int64) {
        for size in [mebibytes << 20, mebibytes << 20 + 1, AzureStore.maxObjectSize] {
            for configured in [5 << 20, 128 << 20, 5 << 30] as [Int64] {
                let part = AzureStore.copyPartSize(of: size, configured: configured, workers: 8)
                #expect(part >= AzureStore.minPartSize && part <= AzureStore.maxPartSize)
                #expect((size + part - 1) / part <= Int64(AzureStore.maxParts))
            }
        }
    }
}
