import MirrorCore
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The way that a copy takes is known beforehand", .timeLimit(.minutes(1)))
struct CopyRouteTests {
    /// What stores can do, as far as it decides.
    enum Service: String, CaseIterable, Sendable {
        case disk, bucket, copying, fetching, neither

        var features: StoreCapabilities.Features {
            switch self {
            case .disk: [.parallelParts, .readsUploads]
            case .bucket: [.parallelParts]
            case .copying: [.parallelParts, .serverSideCopy]
            case .fetching: [.parallelParts, .serverSideCopy, .pullsURLs]
            case .neither: []
            }
        }
    }

    enum Place: String, CaseIterable, Sendable {
        case web, webWithoutRanges, ownBucket, otherBucket
    }

    /// The engine's own way.
    private func taken(_ bytes: [UInt8], from place: Place, into service: Service) async throws -> (CopyRoute, StoreCapabilities) {
        let bucket = FakeBucket(["a.tar": .init(bytes: bytes)])
        var found: (CopyRoute, StoreCapabilities)?
        try await EngineFixture.run({
            $0.features = service.features
            $0.buckets = [bucket]
            if place == .ownBucket { $0.bucket = bucket }
            $0.fetch = { _ in bytes }
            $0.resolver.names = ["bucket.example.org": [try #require(IPAddress("93.184.216.34"))]]
        }) { engine async throws in
            engine.origin.on("/a.tar", FakeBehavior.body(bytes, etag: "\"e\"").with { $0.acceptsRanges = place == .web })
            let isWeb = place == .web || place == .webWithoutRanges
            let url = isWeb ? engine.origin.url("/a.tar") : "bucket://private/a.tar"
            let answer = await engine.redirects.answer(try engine.redirects.artifact(url), in: engine.pool, wait: nil)
            #expect(answer.size == Int64(bytes.count))
            let parts = isWeb ? engine.origin.requests.count : bucket.requests.count { $0.hasPrefix("GET ") }
            let carried = engine.counters.total(EngineMetrics.Name.copyBytes)
            var route = parts > 1 ? CopyRoute.ranges : .stream
            if engine.store.count(.copy) == 1 { route = .copiedByService }
            if engine.store.count(.pull) == 1 { route = .fetchedByService }
            #expect(carried == (route == .ranges || route == .stream ? Int64(bytes.count) : 0))
            found = (route, engine.store.capabilities)
        }
        return try #require(found)
    }

    @Test("It is the one that the engine takes", arguments: Service.allCases, Place.allCases)
    func isTaken(_ service: Service, _ place: Place) async throws {
        for size in [1_000, 200_000] {
            let (route, capabilities) = try await taken([UInt8](repeating: 7, count: size), from: place, into: service)
            let artifact = CopyRoute.Artifact(
                size: Int64(size), acceptsRanges: place != .webWithoutRanges, isInService: place == .ownBucket)
            #expect(try CopyRoute(of: artifact, into: capabilities, EngineFixture.Setup().copy) == route, "\(size) bytes")
        }
    }
}
