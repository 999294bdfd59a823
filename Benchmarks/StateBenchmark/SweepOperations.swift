import MirrorCore
import MirrorState

/// What a sweep calls of a state store, without deleting any objects, and what others call meanwhile.
struct SweepOperations: Sendable {
    /// As many as a sweep asks for in one call.
    private static let page = 500
    /// Replicas that were not used for so long have expired.
    private static let life = Duration.seconds(86_400)

    private let store: any StateStore
    private let pool: PoolID
    private let run: String
    private let clock = ContinuousClock()

    /// - Parameter run: Sets this run's artifacts apart from those of the runs before.
    init(_ store: any StateStore, pool: PoolID, run: String) {
        self.store = store
        self.pool = pool
        self.run = run
    }

    /// Marks and then removes what has expired.
    ///
    /// - Returns: How many replicas were removed.
    func sweep() async throws -> Int {
        let marked = try await mark()
        let removed = try await remove()
        guard marked > 0, removed == marked else { throw Failure("\(marked) replicas were marked, and \(removed) removed") }
        return removed
    }

    private func mark() async throws -> Int {
        let end = SystemClock().now - Self.life
        var marked = 0
        var last: Replica?
        repeat {
            let page = try await store.leastRecentlyUsed(in: pool, after: last, limit: Self.page)
            let expired = page.compactMap { replica -> (id: ReplicaID, lastUsed: Timestamp)? in
                guard case .present(let object) = replica.status, object.lastUsed <= end else { return nil }
                return (replica.id, object.lastUsed)
            }
            // The newest, because of their order.
            if let newest = expired.last?.lastUsed {
                marked += try await store.mark(expired.map { $0.id }, unusedSince: newest).count
            }
            last = expired.count == Self.page ? page.last : nil
        } while last != nil
        return marked
    }

    private func remove() async throws -> Int {
        var removed = 0
        while true {
            let page = try await store.leastRecentlyUsed(in: pool, after: nil, limit: Self.page)
            let marked = page.compactMap { replica -> (id: ReplicaID, at: Timestamp)? in
                guard case .present(let object) = replica.status, let at = object.markedAt else { return nil }
                return (replica.id, at)
            }
            guard !marked.isEmpty else { return removed }
            let wanted = marked.map { WantedRemoval(id: $0.id, condition: .unused(since: $0.at)) }
            let removals = try await store.beginRemovals(wanted, duration: .seconds(300))
            let ended = try await store.endRemovals(removals.compactMap(\.self))
            guard ended.count == marked.count, ended.allSatisfy({ $0 == .absent }) else {
                throw Failure("a marked replica could not be removed")
            }
            removed += ended.count
        }
    }

    /// Claims an artifact and looks up a replica, again and again, as often as a busy mirror does.
    ///
    /// - Parameter end: `nil`: until the task is cancelled.
    func probe(_ name: String, until end: ContinuousClock.Instant?) async throws -> Measured {
        let known = try await store.replicas(in: pool, state: .present, after: nil, limit: 1_000)
        guard !known.isEmpty else { throw Failure("the pool has no replicas") }
        var claims = Samples()
        var lookups = Samples()
        var number = 0
        while !Task.isCancelled, end.map({ clock.now < $0 }) ?? true {
            number += 1
            let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(run)/\(name)/\(number)"), pool: pool)
            let began = clock.now
            guard case .claimed = try await store.claim(id) else { throw Failure("a new replica could not be claimed") }
            let claimed = clock.now
            _ = try await store.replica(known[number % known.count].id)
            let found = clock.now
            claims.add(began.duration(to: claimed))
            lookups.add(claimed.duration(to: found))
            // Cancelled, it returns at once.
            try? await Task.sleep(for: .milliseconds(1))
        }
        var measured = Measured()
        measured.steps = ["claim": claims, "lookup": lookups]
        return measured
    }
}
