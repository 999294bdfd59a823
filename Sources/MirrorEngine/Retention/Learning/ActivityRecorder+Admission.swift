import MirrorCore
import MirrorState
import Retention

extension ActivityRecorder {
    /// What is recorded of a request for an artifact that is not there, if no copy is made because it is not expected to pay
    /// (`retention.admission: cost`).
    ///
    /// The artifact's size is not known before it is read: the mean of those that are used alike counts.
    ///
    /// - Returns: With it, whether it is known that the pool has no object of it: its last replica was deleted, or there was none at its last use.
    ///   `nil` if a copy is to be made; also before the first table, and while the artifact's class is guarded.
    func useWithoutCopy(of id: ReplicaID, at time: Timestamp) async throws -> (use: Use, isGone: Bool)? {
        let lives = learned.lives
        guard lives.admission == .cost, let table = lives.table else { return nil }
        let key = ActivityKey(id.artifact)
        let pool = ActivityRecord.number(of: id.pool.description)
        var record = try await store.activity(of: [key]).first.flatMap(\.self)
        let artifactClass = record?.artifactClass ?? ActivityRecord.number(of: learned.artifactClass(of: id.artifact))
        guard !lives.isGuarded(artifactClass, in: id.pool) else { return nil }
        let isGone = record?[pool].map { $0.gone != 0 } ?? false
        // What the record will be after this request.
        let use = ActivityUse(
            key: key, pool: pool, artifactClass: artifactClass, time: ActivityRecord.seconds(time), bytes: 0, isKept: false)
        _ = ActivityRecord.use(&record, use, renewalIntervals: [:])
        guard let place = record?[pool]?.place, let node = lives.node(artifactClass, place: place),
            let life = lives.life(node: node, in: id.pool)
        else { return nil }
        let bytes = Int64(min(max(0, table.nodes[node].bytes), 1e15))
        guard bytes > 0, !life.paysForCopy(lives.costs(of: bytes, in: id.pool)) else { return nil }
        return (Use(id: id, at: time, bytes: bytes, isKept: false), isGone)
    }
}
