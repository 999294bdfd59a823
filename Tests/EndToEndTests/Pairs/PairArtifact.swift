import TestServers

/// What an origin has, and what it says of it.
struct PairArtifact: Sendable {
    /// The last component of its URL.
    let name: String
    let body: FakeBody
    /// As they stand in an answer, names in lower case.
    let fields: [(name: String, value: String)]

    /// The size of a part, which all stores accept.
    static let partSize = "5MiB"

    static let small = PairArtifact(
        name: "ü b+c.tar.bz2", body: .generated(size: 100_000, seed: 7),
        fields: [("content-type", "application/x-bzip2"), ("content-disposition", "attachment; filename=\"a b.tar.bz2\"")])
    /// An empty file, compressed: if anything decoded it on the way, no bytes would be left.
    static let encoded = PairArtifact(
        name: "page.txt", body: .bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        fields: [("content-type", "text/plain"), ("content-encoding", "gzip")])
    /// Of three parts.
    static let large = PairArtifact(
        name: "large.wasm", body: .generated(size: 12 << 20, seed: 9),
        fields: [("content-type", "application/wasm"), ("content-disposition", "inline; filename=\"large.wasm\"")])

    static let all = [small, encoded, large]

    var bytes: [UInt8] { body.bytes(0..<body.size) }
    var isInParts: Bool { body.size > 5 << 20 }

    /// How it is served by HTTP.
    var behavior: FakeBehavior {
        FakeBehavior.body([], etag: "\"\(body.size)\"").with {
            $0.body = body
            $0.headers = fields
        }
    }
}
