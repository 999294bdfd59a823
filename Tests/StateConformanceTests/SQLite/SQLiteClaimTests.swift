import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("A claim that leases a job in the SQLite state", .timeLimit(.minutes(5)))
struct SQLiteClaimTests {
    /// The seed stands in the failure: put it into the arguments to see it again.
    private static let seeds = [1, UInt64.random(in: 2...(.max))]

    /// What a step came to, with the tokens of leases.
    private struct Outcome: Equatable {
        var claim: Claim?
        var lease: LeaseOutcome?
        var error: StateError.Code?
    }

    /// - Parameter isSplit: Whether to claim and to lease by two calls.
    private typealias Step = (_ store: SQLiteStateStore, _ isSplit: Bool) async throws -> Outcome

    private let clock = ManualClock()
    private let ids: [ReplicaID]

    init() throws {
        ids = try (0..<12).flatMap { number in
            // Of three origins.
            let artifact = try ArtifactURL("https://origin-\(number % 3).example.org/builds/\(number).tar.bz2")
            return try ["s3/eu-central-1", "local/dev"].map { ReplicaID(artifact: artifact, pool: try Sample.pool($0)) }
        }
    }

    @Test("does what a claim and a lease do one after the other, and leaves the same in the file", arguments: seeds)
    func equalsTwoCalls(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TemporaryDirectory()
        let paths = ["one", "two"].map { "\(directory.path)/\($0)/state.sqlite" }
        let stores = try paths.map {
            try SQLiteStateStore(path: $0, maxQueued: 10, maxQueuedPerOrigin: 5, takeOver: false, clock: clock)
        }
        let files = try paths.map { try DatabaseQueue(path: $0) }
        let streams = [await stores[0].changes(), await stores[1].changes()]
        var leases: [CopyLease] = []
        // Claims that leased their own job, and claims that leased another one.
        var (own, other) = (0, 0)
        for number in 0..<1_000 {
            if Bool.random(using: &random) { clock.advance(by: .milliseconds(Int.random(in: 0...2_000, using: &random))) }
            let id = ids[Int.random(in: 0..<ids.count, using: &random)]
            let step = step(id, leases, &random)
            let (one, two) = (try await step(stores[0], false), try await step(stores[1], true))
            let (left, right) = (try await rows(files[0]), try await rows(files[1]))
            guard one == two, left == right else {
                Issue.record("seed \(seed), step \(number): \(one) and \(two), \(left) and \(right)")
                return
            }
            guard case .leased(let lease)? = one.lease else { continue }
            leases.append(lease)
            if one.claim == .claimed { if lease.id == id { own += 1 } else { other += 1 } }
        }
        #expect(own > 5 && other > 5, "seed \(seed): too little happened")
        var changes: [[ReplicaChange]] = []
        for (store, stream) in zip(stores, streams) {
            await store.close()
            changes.append(await stream.reduce(into: []) { $0.append($1) })
        }
        #expect(changes[0] == changes[1], "seed \(seed)")
    }

    private func step(_ id: ReplicaID, _ leases: [CopyLease], _ random: inout SeededGenerator) -> Step {
        let terms = terms(&random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3:
            return { store, isSplit in
                guard isSplit else {
                    let (claim, lease) = try await store.claim(id, leasing: terms)
                    return Outcome(claim: claim, lease: lease)
                }
                let claim = try await store.claim(id)
                return Outcome(claim: claim, lease: try await claim == .claimed ? store.lease(terms) : nil)
            }
        case 4, 5:
            return { store, _ in Outcome(lease: try await store.lease(terms)) }
        case 6...8:
            guard let lease = leases.suffix(10).randomElement(using: &random) else { return { _, _ in Outcome() } }
            let result = result(lease.id, &random)
            let next = Bool.random(using: &random) ? terms : nil
            return { store, _ in
                do {
                    return Outcome(lease: try await store.finish(lease, result, leasing: next))
                } catch let error as StateError {
                    return Outcome(error: error.code)
                }
            }
        default:
            return { store, _ in
                _ = try await store.remove(id)
                return Outcome()
            }
        }
    }

    private func terms(_ random: inout SeededGenerator) -> LeaseTerms {
        let lanes = Set(ids.map { CopyLane(of: $0.artifact) }).union([.unfinished]).sorted { $0.description < $1.description }
        let passed = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            Set(lanes.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
        }
        let pools = Bool.random(using: &random) ? Set(ids.map(\.pool)) : [ids[Int.random(in: 0..<ids.count, using: &random)].pool]
        return LeaseTerms(pools: pools, passingOver: passed, worker: "worker", duration: .seconds(5))
    }

    private func result(_ id: ReplicaID, _ random: inout SeededGenerator) -> CopyResult {
        let pause = Duration.milliseconds(Int.random(in: 0...3_000, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: return .present(Sample.object(id))
        case 2, 3: return .failed(CopyFailure(reason: .transfer, message: "it failed", retryAt: clock.now + pause))
        case 4: return .retry(after: pause)
        default: return .handBack
        }
    }

    /// All that the file holds of replicas and jobs.
    private func rows(_ file: DatabaseQueue) async throws -> [String] {
        try await file.read { db in
            try ["replicas", "lanes", "totals", "counters"].flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table) ORDER BY 1, 2").map { "\(table): \($0)" }
            }
        }
    }
}
