import MirrorCore
import MirrorState

/// Names and objects for the tests of this module.
enum Sample {
    static func pool(_ text: String = "s3/eu-central-1") throws -> PoolID {
        guard let pool = PoolID(text) else { throw StateError(.corrupt, "\(text) is not a pool") }
        return pool
    }

    static func id(_ number: Int, in pool: String = "s3/eu-central-1") throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/builds/\(number).tar.bz2"), pool: try Self.pool(pool))
    }

    static func object(_ id: ReplicaID, size: Int64 = 100, at time: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) -> StoredObject
    {
        StoredObject(
            key: ObjectKey(id.artifact), size: size, sha256: Digest(.sha256, bytes: [UInt8](repeating: 7, count: 32)), storedAt: time,
            lastUsed: time)
    }
}
