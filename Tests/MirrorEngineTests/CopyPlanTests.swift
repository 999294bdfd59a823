import MirrorCore
import MirrorStorage
import NIOHTTP1
import Testing

@testable import MirrorEngine
@testable import MirrorNet

@Suite("Copy plan: the cheapest way that is safe")
struct CopyPlanTests {
    private let planner = CopyPlanner(
        capabilities: StoreCapabilities(features: [.parallelParts, .readsUploads]), partSize: 100, memory: 1_000)

    /// An answer to a request for the first `asked` bytes.
    private func response(
        _ status: Int, asked: Int64? = 100, contentRange: String? = nil, length: Int64? = nil, etag: String? = "\"v1\""
    ) throws -> OriginResponse {
        var headers = HTTPHeaders()
        if let contentRange { headers.add(name: "Content-Range", value: contentRange) }
        if let length { headers.add(name: "Content-Length", value: String(length)) }
        if let etag { headers.add(name: "ETag", value: etag) }
        let url = try ArtifactURL("https://artifacts.example.org/a")
        let answer = OutboundResponse(
            status: status, headers: headers, body: OutboundBody(nil), url: url, addresses: [url], redirects: [], isHTTP1_0: false)
        return try OriginResponse(
            OriginAnswer(answer), requested: asked.flatMap { ByteRange(offset: 0, length: $0) }, now: Timestamp(milliseconds: 0))
    }

    @Test("A part of more becomes ranges that cover everything exactly once")
    func ranges() throws {
        let plan = planner.plan(first: try response(206, contentRange: "bytes 0-99/250"), partSize: 100)
        let layout = PartLayout(size: 250, partSize: 100)
        #expect((0..<layout.count).map { layout[$0] } == [(0, 100), (100, 100), (200, 50)].map { ByteRange(offset: $0.0, length: $0.1) })
        #expect(layout[3] == nil && layout[-1] == nil)
        #expect(plan == .ranges(layout))
    }

    @Test("The last part of a multiple of the part size is a whole one")
    func multiple() throws {
        guard case .ranges(let parts) = planner.plan(first: try response(206, contentRange: "bytes 0-99/300"), partSize: 100) else {
            Issue.record("no ranges")
            return
        }
        #expect((0..<parts.count).map { parts[$0]?.length } == [100, 100, 100])
    }

    @Test("A part that is the whole, and an answer that is the whole, are streamed")
    func streams() throws {
        #expect(planner.plan(first: try response(206, contentRange: "bytes 0-99/100"), partSize: 100) == .stream)
        #expect(planner.plan(first: try response(206, contentRange: "bytes 0-9/10"), partSize: 100) == .stream)
        #expect(planner.plan(first: try response(200, length: 1_000), partSize: 100) == .stream)
        #expect(planner.plan(first: try response(200, etag: nil), partSize: 100) == .stream)
        #expect(planner.plan(first: try response(203, length: 1_000), partSize: 100) == .stream)
    }

    @Test("A part that cannot be told from its next version is of no use", arguments: [nil, "W/\"v1\"", "v1", "\"\"", ""])
    func noStrongETag(etag: String?) throws {
        #expect(planner.plan(first: try response(206, contentRange: "bytes 0-99/250", etag: etag), partSize: 100) == nil)
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
        let capabilities = StoreCapabilities(features: [.readsUploads], minPartSize: 5, maxPartSize: 50)
        func size(_ configured: Int64) -> Int64 {
            CopyPlanner(capabilities: capabilities, partSize: configured, memory: 1_000).firstPartSize
        }
        #expect(size(1) == 5)
        #expect(size(20) == 20)
        #expect(size(100) == 50)
    }

    @Test("Ranges need a store that takes parts in any order")
    func canRange() {
        func canRange(_ features: StoreCapabilities.Features) -> Bool {
            CopyPlanner(capabilities: StoreCapabilities(features: features), partSize: 100, memory: 1_000).canRange
        }
        #expect(canRange([.parallelParts, .readsUploads]))
        #expect(canRange([.parallelParts]))
        #expect(!canRange([.readsUploads]))
        #expect(!canRange([]))
    }

    @Test("A store that takes one part gets one stream, of any length, stated or not", arguments: [nil, 0, 1, 1 << 40] as [Int64?])
    func onePart(length: Int64?) throws {
        let planner = CopyPlanner(capabilities: StoreCapabilities(features: [.listsMetadata], maxParts: 1), partSize: 100, memory: 1_000)
        #expect(!planner.canRange)
        #expect(planner.whole(try response(200, asked: nil, length: length)) == .stream)
        #expect(planner.wholeLimit == .max)
    }

    @Test("A store that takes one part is never given ranges")
    func onePartOfRanges() throws {
        let capabilities = StoreCapabilities(features: [.parallelParts], maxParts: 1)
        let planner = CopyPlanner(capabilities: capabilities, partSize: 100, memory: 1_000)
        #expect(planner.plan(first: try response(206, contentRange: "bytes 0-99/250"), partSize: 100) == nil)
        let size = planner.partSize(of: 250)
        #expect(size >= 250)
        #expect(planner.whole(try response(200, asked: nil, length: 250)) == .bufferedStream(PartSizes(first: size, limit: size)))
    }
}

@Suite("Copy plan of a store that does not read uploads back")
struct BufferedCopyPlanTests {
    private static let mebibyte: Int64 = 1 << 20
    private static let url = "https://artifacts.example.org/a"
    /// As S3 has them.
    private let planner = CopyPlanner(
        capabilities: StoreCapabilities(
            features: [.parallelParts], maxObjectSize: 5 << 40, minPartSize: 5 << 20, maxPartSize: 5 << 30, maxParts: 10_000),
        partSize: 16 << 20, memory: 64 << 20)

    private func response(_ status: Int, asked: Int64? = nil, total: Int64? = nil, etag: String? = "\"v1\"") throws -> OriginResponse {
        var headers = HTTPHeaders()
        if let etag { headers.add(name: "ETag", value: etag) }
        if let asked, let total {
            headers.add(name: "Content-Range", value: "bytes 0-\(min(asked, total) - 1)/\(total)")
        } else if let total {
            headers.add(name: "Content-Length", value: "\(total)")
        }
        let url = try ArtifactURL(Self.url)
        let answer = OutboundResponse(
            status: status, headers: headers, body: OutboundBody(nil), url: url, addresses: [url], redirects: [], isHTTP1_0: false)
        return try OriginResponse(
            OriginAnswer(answer), requested: asked.flatMap { ByteRange(offset: 0, length: $0) }, now: Timestamp(milliseconds: 0))
    }

    @Test("Eight parts of all copies fit into the memory, whatever part size is configured; a store's smallest part is kept to")
    func firstPart() {
        #expect(planner.firstPartSize == 8 * Self.mebibyte)
        let little = CopyPlanner(capabilities: planner.capabilities, partSize: 16 << 20, memory: 16 << 20)
        #expect(little.firstPartSize == 5 * Self.mebibyte)
    }

    @Test("Parts are as small as ten thousand of them allow, and all the same")
    func partSizes() throws {
        #expect(planner.partSize(of: 1) == 8 * Self.mebibyte)
        #expect(planner.partSize(of: 80_000 * Self.mebibyte) == 8 * Self.mebibyte)
        #expect(planner.partSize(of: 80_000 * Self.mebibyte + 1) == 9 * Self.mebibyte)
        let largest = planner.partSize(of: 5 << 40)
        #expect(largest == 525 * Self.mebibyte)
        #expect(PartLayout(size: 5 << 40, partSize: largest).count <= 10_000)
        #expect(planner.partSize(of: .max) == largest)
    }

    @Test("Parts that fit into memory are buffered; larger ones are read in order")
    func plans() throws {
        let size = planner.firstPartSize
        let first = try response(206, asked: size, total: 100 * Self.mebibyte)
        #expect(planner.plan(first: first, partSize: size) == .bufferedRanges(PartLayout(size: 100 * Self.mebibyte, partSize: size)))
        let large = planner.partSize(of: 1 << 40)
        #expect(
            planner.plan(first: try response(206, asked: large, total: 1 << 40), partSize: large)
                == .rangesInOrder(PartLayout(size: 1 << 40, partSize: large)))
        #expect(planner.plan(first: try response(206, asked: size, total: 100 * Self.mebibyte, etag: nil), partSize: size) == nil)
        #expect(planner.plan(first: try response(206, asked: size, total: 1 << 40), partSize: size) == nil, "too many parts")
    }

    @Test("One answer is cut into parts of one size where the length is stated, and into growing ones where it is not")
    func wholes() throws {
        #expect(planner.whole(try response(200, total: 100)) == .bufferedStream(PartSizes(first: 8 << 20, limit: 8 << 20)))
        #expect(planner.whole(try response(200)) == .bufferedStream(PartSizes(first: 8 << 20, limit: 32 << 20)))
        let sizes = PartSizes(first: 8, limit: 32)
        #expect([0, 999, 1_000, 1_999, 2_000, 9_999].map { sizes[$0] } == [8, 8, 16, 16, 32, 32])
        #expect(sizes.total(parts: 10_000) == 8 * 1_000 + 16 * 1_000 + 32 * 8_000)
        #expect(planner.wholeLimit == Self.mebibyte * (8 * 1_000 + 16 * 1_000 + 32 * 8_000))
        #expect(PartSizes(first: 1 << 40, limit: 1 << 40).total(parts: .max) == .max)
    }
}
