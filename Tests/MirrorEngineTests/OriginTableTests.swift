import MirrorCore
import MirrorStorage
import Testing

@testable import MirrorEngine

@Suite("Where artifacts come from", .timeLimit(.minutes(1)))
struct OriginTableTests {
    @Test("A URL is read once for a request, and its name once for the copy, however many parts that has")
    func readsOnce() async throws {
        let bucket = FakeBucket(["a.tar": .init(bytes: [UInt8](repeating: 7, count: 200_000))])
        try await EngineFixture.run({
            $0.buckets = [bucket]
            $0.features = [.parallelParts]
        }) { engine async throws in
            let origin = try engine.redirects.resolve("bucket://private/a.tar")
            #expect(bucket.readings == 1)
            #expect(await engine.redirects.answer(origin, in: engine.pool, wait: nil).size == 200_000)
            #expect(bucket.requests.count == 4)
            #expect(bucket.readings == 2)
            #expect(await engine.redirects.location(of: origin).hasSuffix("?signature=1"))
            #expect(bucket.readings == 2)
        }
    }

    @Test("A URL whose name is that of a bucket's object is of the bucket, also where the bucket does not know the spelling")
    func spelledOtherwise() async throws {
        try await EngineFixture.run({ $0.buckets = [FakeBucket([:])] }) { engine async throws in
            #expect(try engine.origins.resolve("https://bucket.example.org/private/a.tar").isPrivate)
            #expect(try engine.origins.resolve("HTTPS://bucket.example.org/private/a.tar").isPrivate)
            #expect(try !engine.origins.resolve("https://bucket.example.org/public/a.tar").isPrivate)
            #expect(try !engine.origins.resolve("HTTPS://bucket.example.org/public/a.tar").isPrivate)
        }
    }
}
