import MirrorCore
import MirrorState

/// What is called of a state store, and what must be true of it before and afterwards.
struct StateOperations: Sendable {
    let store: any StateStore
    let pool: PoolID
    /// Present all the time.
    let present: [ReplicaID]
    private let clock = ContinuousClock()

    /// Records the replicas that are looked at, where they are not there from the run before.
    init(_ store: any StateStore, pool: PoolID, replicas: Int, length: Int) async throws {
        self.store = store
        self.pool = pool
        present = try (0..<replicas).map { try Self.id("present/\($0)", pool, length: length) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for share in 0..<64 {
                group.addTask { [present] in
                    for number in stride(from: share, to: present.count, by: 64) {
                        _ = try await store.recordPresent(present[number], Self.object(of: present[number]))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    func replica(task: Int, until end: ContinuousClock.Instant) async throws -> Measured {
        var measured = Measured()
        var number = task * 7_919
        var now = clock.now
        while now < end {
            number += 1
            let replica = try await store.replica(present[number % present.count])
            guard case .present? = replica?.status else {
                throw Failure("a replica that is present was not found so: \(String(describing: replica))")
            }
            let then = clock.now
            measured.whole.add(now.duration(to: then))
            now = then
        }
        return measured
    }

    /// As the copies of a process go that has nothing else to do: the claim leases the job, and the end of the copy finds no other one.
    ///
    /// - Parameter run: Sets this run's artifacts apart from those of the runs before.
    func cycle(task: Int, run: String, until end: ContinuousClock.Instant) async throws -> Measured {
        let terms = LeaseTerms(pools: [pool], worker: "benchmark-\(task)", duration: .seconds(60))
        var measured = Measured()
        var claims = Samples()
        var ends = Samples()
        var number = 0
        while clock.now < end {
            number += 1
            let id = try Self.id("\(run)/\(task)/\(number)", pool)
            let began = clock.now
            let (claim, outcome) = try await store.claim(id, leasing: terms)
            guard case .claimed = claim, case .leased(let lease)? = outcome else {
                throw Failure("a new replica could not be claimed, or there was no job to lease although one was queued")
            }
            let claimed = clock.now
            guard case .notDue? = try await store.finish(lease, .present(Self.object(of: lease.id)), leasing: terms) else {
                throw Failure("there was a job to lease although each had been leased with its claim")
            }
            let finished = clock.now
            claims.add(began.duration(to: claimed))
            ends.add(claimed.duration(to: finished))
            measured.whole.add(began.duration(to: finished))
        }
        measured.steps = ["claim and lease": claims, "finish": ends]
        return measured
    }

    func touch(task: Int, batch: Int, until end: ContinuousClock.Instant) async throws -> Measured {
        var measured = Measured()
        var first = task * 7_919
        // Each use is newer than the one before, so that each one is written.
        var time = SystemClock().now
        while clock.now < end {
            time = max(SystemClock().now, time.advanced(by: .milliseconds(1)))
            let uses = (0..<batch).map { ReplicaUse(id: present[(first + $0) % present.count], at: time) }
            first += batch
            let began = clock.now
            try await store.touch(uses)
            measured.whole.add(began.duration(to: clock.now))
        }
        // All tasks write the same replicas, with times that differ by what they ran ahead.
        guard case .present(let object)? = try await store.replica(present[(first - 1) % present.count])?.status, object.lastUsed >= time
        else {
            throw Failure("a use was not remembered")
        }
        return measured
    }

    private static func id(_ name: String, _ pool: PoolID, length: Int = 0) throws -> ReplicaID {
        let url = "https://artifacts.example.org/builds/\(name)/target.tar.bz2"
        let padding = String(repeating: "x", count: max(0, length - url.utf8.count - 1))
        return ReplicaID(artifact: try ArtifactURL(padding.isEmpty ? url : "\(url)/\(padding)"), pool: pool)
    }

    private static func object(of id: ReplicaID) -> StoredObject {
        let now = SystemClock().now
        return StoredObject(
            key: ObjectKey(id.artifact), size: 1_024, sha256: Digest(.sha256, bytes: [UInt8](repeating: 0xA5, count: 32)), storedAt: now,
            lastUsed: now)
    }
}
