import MirrorCore
import MirrorStorage
import NIOHTTP1
import Testing

@testable import MirrorEngine
@testable import MirrorNet

@Suite("Copy plan: the cheapest way that is safe")
struct CopyPlanTests {
    /// An answer to a request for the first `asked` bytes.
    private func response(
        _ status: Int, asked: Int64? = 100, contentRange: String? = nil, length: Int64? = nil, etag: String? = "\"v1\""
    ) throws -> OriginResponse {
        var headers = HTTPHeaders()
        if let contentRange { headers.add(name: "Content-Range", value: contentRange) }
        if let length { headers.add(name: "Content-Length", value: String(length)) }
        if let etag { headers.add(name: "ETag", value: etag) }
        let url = try ArtifactURL("https://artifacts.example.org/a")
        return try OriginResponse(
            OutboundResponse(
                status: status, headers: headers, body: OutboundBody(nil), url: url, addresses: [url], isHTTP1_0: false),
            requested: asked.flatMap { ByteRange(offset: 0, length: $0) })
    }

    @Test("A part of more becomes ranges that cover everything exactly once")
    func ranges() throws {
        let plan = CopyPlan.choose(first: try response(206, contentRange: "bytes 0-99/250"), partSize: 100)
        let layout = PartLayout(size: 250, partSize: 100)
        #expect((0..<layout.count).map { layout[$0] } == [(0, 100), (100, 100), (200, 50)].map { ByteRange(offset: $0.0, length: $0.1) })
        #expect(layout[3] == nil && layout[-1] == nil)
        #expect(plan == .ranges(layout))
    }

    @Test("The last part of a multiple of the part size is a whole one")
    func multiple() throws {
        guard case .ranges(let parts) = CopyPlan.choose(first: try response(206, contentRange: "bytes 0-99/300"), partSize: 100) else {
            Issue.record("no ranges")
            return
        }
        #expect((0..<parts.count).map { parts[$0]?.length } == [100, 100, 100])
    }

    @Test("A part that is the whole, and an answer that is the whole, are streamed")
    func streams() throws {
        #expect(CopyPlan.choose(first: try response(206, contentRange: "bytes 0-99/100"), partSize: 100) == .stream)
        #expect(CopyPlan.choose(first: try response(206, contentRange: "bytes 0-9/10"), partSize: 100) == .stream)
        #expect(CopyPlan.choose(first: try response(200, length: 1_000), partSize: 100) == .stream)
        #expect(CopyPlan.choose(first: try response(200, etag: nil), partSize: 100) == .stream)
        #expect(CopyPlan.choose(first: try response(203, length: 1_000), partSize: 100) == .stream)
    }

    @Test("A part that cannot be told from its next version is of no use", arguments: [nil, "W/\"v1\"", "v1", "\"\"", ""])
    func noStrongETag(etag: String?) throws {
        #expect(CopyPlan.choose(first: try response(206, contentRange: "bytes 0-99/250", etag: etag), partSize: 100) == nil)
    }

    @Test(
        "A range that was not asked for is refused",
        arguments: [
            nil, "bytes 1-99/250", "bytes 0-98/250", "bytes 0-100/250", "bytes 0-99/*", "bytes 0-99/99", "bytes 100-0/250", "bytes */250",
            "items 0-99/250",
        ])
    func wrongRange(contentRange: String?) throws {
        #expect(throws: CopyError.self) { try response(206, contentRange: contentRange) }
    }

    @Test("A partial answer to a request for the whole is refused")
    func unasked() throws {
        #expect(throws: CopyError.self) { try response(206, asked: nil, contentRange: "bytes 0-99/250") }
    }

    @Test(
        "What an origin's status means for the next attempt",
        arguments: [
            (400, false), (404, false), (410, false), (416, false), (408, true), (425, true), (429, true), (500, true), (503, true),
            (599, true),
        ])
    func statuses(status: Int, isTransient: Bool) throws {
        let error = try #require(throws: CopyError.self) { try response(status) }
        #expect(error.reason == .origin(status: status))
        #expect(error.isTransient == isTransient)
    }

    @Test("The part size is what is configured, within what the store takes")
    func partSize() {
        let capabilities = StoreCapabilities(features: [], minPartSize: 5, maxPartSize: 50)
        #expect(CopyPlan.partSize(configured: 1, capabilities) == 5)
        #expect(CopyPlan.partSize(configured: 20, capabilities) == 20)
        #expect(CopyPlan.partSize(configured: 100, capabilities) == 50)
    }

    @Test("Ranges need a store that takes parts in any order and gives them back")
    func canRange() {
        #expect(CopyPlan.canRange(StoreCapabilities(features: [.parallelParts, .readsUploads])))
        #expect(!CopyPlan.canRange(StoreCapabilities(features: [.parallelParts])))
        #expect(!CopyPlan.canRange(StoreCapabilities(features: [.readsUploads])))
        #expect(!CopyPlan.canRange(StoreCapabilities(features: [])))
    }
}

@Suite("Content-Range is read strictly (RFC 9110 section 14.4)")
struct ContentRangeTests {
    @Test(
        "What is well-formed",
        arguments: [
            ("bytes 0-0/1", 0, 0, 1), ("bytes 5-9/10", 5, 9, 10), ("bytes 0-9/*", 0, 9, nil), ("Bytes 0-9/100", 0, 9, 100),
            ("bytes 0-9223372036854775806/9223372036854775807", 0, Int64.max - 1, Int64.max),
        ] as [(String, Int64, Int64, Int64?)])
    func good(value: String, first: Int64, last: Int64, total: Int64?) {
        let range = ContentRange(value)
        #expect(range?.first == first)
        #expect(range?.last == last)
        #expect(range?.total == total)
    }

    @Test(
        "What is hostile or sloppy",
        arguments: [
            "", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes /10", "bytes -/10", "bytes 0-/10", "bytes -9/10", "bytes 9-0/10",
            "bytes */10",
            "bytes -1-9/10", "bytes +0-9/10", "bytes 0-+9/10", "bytes 0-9/+10", "bytes 0-9/-10", "bytes 0-9/10/11", "bytes 0-9-10/11",
            "bytes 0 - 9/10", "bytes  0-9/10", "bytes=0-9/10", "items 0-9/10", "bytes 0x0-9/10", "bytes 0-9/10 ", "bytes ٠-٩/١٠",
            "bytes 0-9223372036854775808/9223372036854775809", "bytes 0-99999999999999999999999/5", "bytes 0-9/99999999999999999999999",
        ])
    func bad(value: String) {
        #expect(ContentRange(value) == nil)
    }
}
