package import MirrorCore
package import MirrorState
import Retention

/// Keeps a replica for as long as it is expected to save more than its storage costs, according to how artifacts of its class were used before.
package struct CostPolicy: RetentionPolicy {
    /// A pool of a million replicas is not read more often for lives that are hours at least.
    private static let passInterval = Duration.seconds(900)
    /// What changes an account by less is not entered again.
    private static let leastChange = 1e-3
    /// A size that fees do not matter for.
    private static let large: Int64 = 1 << 40

    private let store: any ActivityStore
    private let learned: LearnedRetention
    private let recorder: ActivityRecorder

    package init(store: any ActivityStore, learned: LearnedRetention, recorder: ActivityRecorder) {
        self.store = store
        self.learned = learned
        self.recorder = recorder
    }

    package func expiries(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool) async throws -> [Timestamp] {
        let lives = learned.lives
        var changed: [(id: ReplicaID, bytes: Int64)] = []
        let expiries = zip(replicas, try await activities(of: replicas)).map { replica, activity -> Timestamp in
            let (id, object) = replica
            let expiry = activity.expiry(of: object, in: pool.id, lives)
            let costs = lives.costs(of: object.size, in: pool.id)
            let open = GuardAccount.open(costs, kept: max(0, expiry - Double(activity.uses.own)))
            let isChanged = abs(open - Double(activity.uses.open)) > Self.leastChange * costs.margin
            if activity.isRecorded, isChanged { changed.append((id, object.size)) }
            return activity.end(of: object, in: pool, lives)
        }
        if !changed.isEmpty { await recorder.commit(changed) }
        return expiries
    }

    package func shortestLife(in pool: Pool) -> Duration {
        let lives = learned.lives
        let breakEven = lives.costs(of: Self.large, in: pool.id).breakEven
        let learned = lives.table == nil ? breakEven : lives.shortestLife(in: pool.id)
        return max(.seconds(min(breakEven / 2, learned, 1e9)), pool.grace)
    }

    package func worth(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool, at now: Timestamp) async throws -> [Double]? {
        let lives = learned.lives
        guard lives.table != nil else { return nil }
        return zip(replicas, try await activities(of: replicas)).map { replica, activity in
            lives.worth(
                activity.uses, of: activity.artifactClass, bytes: replica.object.size, in: pool.id, at: Double(now.milliseconds) / 1_000)
        }
    }

    package var interval: Duration { Self.passInterval }
    package var version: Int { learned.version }

    package var summary: String {
        guard let table = learned.lives.table else { return "half of the break-even life, until enough is learned" }
        return "as long as it is expected to pay, learned until \(Timestamp(seconds: table.time).iso8601)"
    }

    private func activities(of replicas: [(id: ReplicaID, object: StoredObject)]) async throws -> [ReplicaActivity] {
        guard !replicas.isEmpty else { return [] }
        let records = try await store.activity(of: replicas.map { ActivityKey($0.id.artifact) })
        return zip(replicas, records).map { ReplicaActivity($1, of: $0.id, $0.object, learned) }
    }
}

extension Timestamp {
    /// - Parameter seconds: Since 1970; what does not fit is the last moment.
    init(seconds: Double) {
        self.init(milliseconds: seconds < 1e15 ? Int64(max(0, seconds) * 1_000) : .max)
    }
}
