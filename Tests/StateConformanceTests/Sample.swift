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

    /// How a target is answered, as far as a test looks at that.
    static func answer(_ target: String, variant: UInt32 = 0, literal: [UInt8] = [], end: HotAnswer.End? = nil) -> HotAnswer {
        HotAnswer(
            target: Array(target.utf8), variant: variant, form: 3, epoch: 5, answersHead: end == nil, shared: min(255, target.utf8.count),
            literal: literal, end: end)
    }

    /// The size of the object that is found for a target.
    static func size(of target: String, variant: UInt32 = 0, in memory: HotMemory) -> Int64? {
        look(target, variant: variant, in: memory) { $0.size }
    }

    /// What `body` sees of the record that is found for a target.
    static func look<Value>(_ target: String, variant: UInt32 = 0, in memory: HotMemory, _ body: (HotRecord) -> Value) -> Value? {
        var value: Value?
        _ = Array(target.utf8).withUnsafeBytes { target in
            memory.find(target, HotMemory.TargetHash(target), variant: variant) { record in
                value = body(record)
                return true
            }
        }
        return value
    }
}
