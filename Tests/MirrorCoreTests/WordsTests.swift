import MirrorCore
import Testing

@Suite struct PoolIDTests {
    @Test(
        "A pool is a service and a region",
        arguments: ["s3/eu-central-1", "local/dev", "gcs/europe-west3", "a/b", "s3/minio.example_1", "0/0"])
    func reads(_ text: String) throws {
        let pool = try #require(PoolID(text))
        #expect(pool.description == text)
        #expect(PoolID(service: pool.service, region: pool.region) == pool)
    }

    @Test(
        "Anything else is no pool",
        arguments: [
            "", "/", "s3", "s3/", "/eu", "s3/eu/central", "S3/eu", "s3/EU", "s3/..", "../s3", "s3/.eu", "-s3/eu", "s3/_eu", "s3/eu central",
            "s3/é", "s3/eu\n", "s3//eu",
            "s3/eu%2Fcentral", "s3\\eu/a", "s3/" + String(repeating: "a", count: 64),
        ])
    func refuses(_ text: String) {
        #expect(PoolID(text) == nil)
    }
}

@Suite struct ByteRangeTests {
    @Test func rangesOfNothingAreNone() {
        #expect(ByteRange(offset: -1, length: 1) == nil)
        #expect(ByteRange(offset: 0, length: 0) == nil)
        #expect(ByteRange(offset: 0, length: -1) == nil)
        #expect(ByteRange(offset: 1, length: .max) == nil)
        #expect(ByteRange(offset: 0, length: .max)?.end == .max)
    }

    @Test(
        "A range ends at the object's end",
        arguments: [
            (0, 10, 10, 10), (0, 10, 5, 5), (5, 10, 10, 5), (9, 1, 10, 1), (0, 10, 100, 10),
        ] as [(Int64, Int64, Int64, Int64)])
    func clamps(_ offset: Int64, _ length: Int64, _ size: Int64, _ expected: Int64) throws {
        #expect(try #require(ByteRange(offset: offset, length: length)).clamped(toSize: size)?.length == expected)
    }

    @Test("A range behind the end is none", arguments: [(10, 10), (11, 10), (0, 0), (0, -1), (.max - 1, .min)] as [(Int64, Int64)])
    func behindTheEnd(_ offset: Int64, _ size: Int64) throws {
        #expect(try #require(ByteRange(offset: offset, length: 1)).clamped(toSize: size) == nil)
    }
}

@Suite struct ReplicaTests {
    @Test func aReplicaUnderRemovalIsAbsentToTheWorld() throws {
        let id = ReplicaID(artifact: try ArtifactURL("https://example.org/a?signature=secret"), pool: try #require(PoolID("s3/eu")))
        #expect(Replica(id: id, status: .removing).state == .absent)
        #expect(Replica(id: id, status: .pending).state == .pending)
        #expect(!id.description.contains("secret"))
    }
}
