import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
import Testing

@Suite(
    "What only Azure does can go wrong, too",
    .enabled(if: FaultCloud.areExpected, "the servers that play clouds were not started"), .timeLimit(.minutes(10)))
struct AzureFaultTests {
    @Test("Names that no listing can hold as they are belong to others")
    func unwritableNames() async throws {
        try await FaultScene.run(.azure) { scene in
            let object = try SampleObject(size: 10)
            try await scene.put(object)
            for name in ["\u{1}", "\(object.key)\u{1}", "a/\u{FFFE}"] { try await scene.opened.putOther(name) }
            #expect(try await scene.keys(limit: 10) == [object.key])
        }
    }

    @Test("What the service fetches by itself breaks off at its source, and is fetched again")
    func source() async throws {
        try await FaultScene.run(.azure) { scene in
            try await FakeOrigin.run { origin async throws in
                let whole = FakeBehavior.generated(size: 9 << 20)
                origin.on("/a.bin") { request in
                    request.number <= 2 ? whole.with { $0.truncateAfter = 1_000_000 } : whole
                }
                let object = try SampleObject(size: 0)
                let source = URLSource(
                    url: try ArtifactURL(origin.url("/a.bin")), isPublic: false, size: whole.body.size, etag: try #require(whole.etag))
                let confirmed = WatchedState(0)
                _ = try await scene.store.pull(object.key, from: source, metadata: object.metadata, condition: .absent) {
                    confirmed.change { $0 += 1 }
                }
                #expect(confirmed.current == 1)
                let held = try await scene.store.get(object.key, range: nil).body.collect(upTo: 64 << 20)
                let isSame = Array(held.readableBytesView) == whole.body.bytes(0..<whole.body.size)
                #expect(isSame)
            }
        }
    }
}
