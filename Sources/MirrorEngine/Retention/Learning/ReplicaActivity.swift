import MirrorCore
import MirrorState
import Retention

/// What is recorded of the uses of a replica that is there.
struct ReplicaActivity: Sendable {
    let artifactClass: UInt32
    /// In the replica's pool.
    let uses: ActivityRecord.PoolUses
    /// Whether this replica has a record. One that was never used, because it was warmed or found in the pool, is as after a first use when it was
    /// stored.
    let isRecorded: Bool

    /// - Parameter record: Of the artifact.
    init(_ record: ActivityRecord?, of id: ReplicaID, _ object: StoredObject, _ learned: LearnedRetention) {
        let lastUsed = ActivityRecord.seconds(object.lastUsed)
        let pool = ActivityRecord.number(of: id.pool.description)
        guard let record, var known = record[pool], known.gone == 0 || known.gone <= lastUsed else {
            artifactClass = record?.artifactClass ?? ActivityRecord.number(of: learned.artifactClass(of: id.artifact))
            uses = ActivityRecord.PoolUses(firstUseAt: lastUsed, in: pool)
            isRecorded = false
            return
        }
        // A use whose record was lost still counts for the replica.
        known.own = max(known.own, lastUsed)
        known.clock = max(known.clock, lastUsed)
        uses = known
        artifactClass = record.artifactClass
        isRecorded = known.gone == 0
    }

    /// When keeping it no longer pays, in seconds since 1970; infinite where storage costs nothing.
    func expiry(of object: StoredObject, in pool: PoolID, _ lives: LearnedLives) -> Double {
        lives.expiry(uses, of: artifactClass, bytes: object.size, in: pool)
    }

    /// When it ends, unless it is used before.
    func end(of object: StoredObject, in pool: Pool, _ lives: LearnedLives) -> Timestamp {
        max(Timestamp(seconds: expiry(of: object, in: pool.id, lives)), object.lastUsed + pool.grace)
    }
}

extension ActivityRecord.PoolUses {
    fileprivate init(firstUseAt time: UInt32, in pool: UInt32) {
        self.init(
            pool: pool, uses: 1, first: time, own: time, clock: time, place: Context(0, isElsewhere: false, rate: 0, age: 0).place)
    }
}
