import MirrorCore
import MirrorState

/// An open store with two pools, and shorthands for frequent steps of the cases.
struct StateScene: Sendable {
    let store: any StateStore
    let clock: ManualClock
    let pool: PoolID
    let otherPool: PoolID

    init(store: any StateStore, clock: ManualClock) throws {
        self.store = store
        self.clock = clock
        pool = try requireValue(PoolID("s3/eu-central-1"))
        otherPool = try requireValue(PoolID("local/dev"))
    }

    var now: Timestamp { clock.now }
    var pools: Set<PoolID> { [pool, otherPool] }

    /// IDs sort like their numbers.
    func id(_ number: Int, in pool: PoolID? = nil) throws -> ReplicaID {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return ReplicaID(
            artifact: try ArtifactURL("https://artifacts.example.org/builds/\(padded).tar.bz2?build=\(number)"), pool: pool ?? self.pool)
    }

    /// Of another origin.
    func id(_ number: Int, at origin: String) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("\(origin)/builds/\(number).tar.bz2"), pool: pool)
    }

    func object(_ id: ReplicaID, size: Int64 = 100, lastUsed: Timestamp? = nil) -> StoredObject {
        StoredObject(
            key: ObjectKey(id.artifact), size: size,
            sha256: Digest(.sha256, bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: 32)),
            storedAt: now, lastUsed: lastUsed ?? now)
    }

    func failure(retryIn delay: Duration = .seconds(30)) -> CopyFailure {
        CopyFailure(reason: .origin(status: 404), message: "the origin has no such artifact", retryAt: now + delay)
    }

    func lease(pools: Set<PoolID>? = nil, duration: Duration = .seconds(15)) async throws -> CopyLease? {
        try await store.lease(pools: pools ?? self.pools, worker: "worker", duration: duration)
    }

    func outcome(passingOver lanes: Set<CopyLane> = [], pools: Set<PoolID>? = nil) async throws -> LeaseOutcome? {
        try await store.lease(pools: pools ?? self.pools, passingOver: lanes, worker: "worker", duration: .seconds(15))
    }

    /// Terms for jobs of ``pool``.
    func terms(_ choices: [Set<CopyLane>] = [[]]) -> LeaseTerms {
        LeaseTerms(pools: [pool], passingOver: choices, worker: "worker", duration: .seconds(15))
    }

    /// Leases a job and lets the lease expire; no other job may be due.
    @discardableResult
    func loseLease(_ id: ReplicaID) async throws -> CopyLease {
        let lease = try requireValue(try await lease(), "lease")
        try requireEqual(lease.id, id, "leased replica")
        clock.advance(by: .seconds(16))
        return lease
    }

    /// Claims a replica and leases its job; no other job may be due.
    func claimAndLease(_ id: ReplicaID) async throws -> CopyLease {
        try requireEqual(try await store.claim(id), .claimed, "claim")
        let lease = try requireValue(try await lease(), "lease")
        try requireEqual(lease.id, id, "leased replica")
        return lease
    }

    /// Makes an absent replica present by back-fill.
    @discardableResult
    func makePresent(_ number: Int, in pool: PoolID? = nil, size: Int64 = 100, lastUsed: Timestamp? = nil) async throws -> Replica {
        let id = try id(number, in: pool)
        return try requireValue(try await store.recordPresent(id, object(id, size: size, lastUsed: lastUsed)), "recorded replica")
    }

    /// Makes an absent replica an error.
    func makeError(_ id: ReplicaID, retryIn delay: Duration = .seconds(30)) async throws {
        try await store.finish(try await claimAndLease(id), .failed(failure(retryIn: delay)))
    }

    /// Makes an absent replica an error whose retry time is later than that of all others.
    func makeErrorInOrder(_ id: ReplicaID) async throws {
        clock.advance(by: .milliseconds(1))
        try requireEqual(try await store.claim(id), .claimed, "claim")
        try await store.finish(try requireValue(try await lease(pools: [id.pool]), "lease"), .failed(failure()))
    }

    /// The order of listings, within a pool.
    func precedes(_ one: ReplicaID, _ other: ReplicaID) -> Bool { one.artifact.nameHash < other.artifact.nameHash }

    func requireStatus(_ id: ReplicaID, _ expected: Replica.Status?, file: String = #fileID, line: Int = #line) async throws {
        try requireEqual(try await store.replica(id)?.status, expected, "status of \(id)", file: file, line: line)
    }

    func presentObject(_ id: ReplicaID, file: String = #fileID, line: Int = #line) async throws -> StoredObject {
        guard case .present(let object) = try await store.replica(id)?.status else {
            throw ConformanceFailure("\(id) is not present", file: file, line: line)
        }
        return object
    }

    func requireStale(_ what: String, file: String = #fileID, line: Int = #line, _ body: () async throws -> Void) async throws {
        try await requireThrows(StateError.self, what, file: file, line: line, where: { $0.code == .staleLease }, body)
    }

    /// Runs `body` in `count` concurrent tasks, and returns the results in the order of their numbers.
    func race<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Value) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for number in 0..<count {
                group.addTask { (number, try await body(number)) }
            }
            var results: [(Int, Value)] = []
            for try await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
