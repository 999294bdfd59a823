import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("Memory and another store side by side", .timeLimit(.minutes(5)))
struct SideBySideTests {
    /// The seed stands in the failure: put it into the arguments to see it again.
    private static let seeds = [1, UInt64.random(in: 2...(.max))]

    @Test("SQLite stays equal over hundreds of random transitions", arguments: seeds)
    func sqliteStaysEqual(_ seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        let clock = ManualClock()
        let sqlite = try SQLiteStateStore(path: "\(directory.path)/state.sqlite", maxQueued: 6, takeOver: true, clock: clock)
        try await stayEqual(sqlite, clock, seed, isOrderedAcrossPools: true)
    }

    @Test("Redis stays equal over hundreds of random transitions", .enabled(if: RedisServer.isExpected), arguments: seeds)
    func redisStaysEqual(_ seed: UInt64) async throws {
        let clock = ManualClock()
        try await stayEqual(try await RedisPlace.onServer().open(clock, maxQueued: 6), clock, seed, isOrderedAcrossPools: false)
    }

    /// - Parameter isOrderedAcrossPools: Whether what one call changes in several pools is told in its order.
    private func stayEqual(_ store: any StateStore, _ clock: ManualClock, _ seed: UInt64, isOrderedAcrossPools: Bool) async throws {
        let pair = try StorePair(memory: MemoryStateStore(clock: clock, maxQueued: 6), other: store, clock: clock, seed: seed)
        for step in 0..<750 {
            let what = try await pair.step()
            let difference = try await pair.difference()
            guard difference == nil else {
                Issue.record("seed \(seed), step \(step), \(what): \(difference ?? "")")
                return
            }
        }
        try await pair.expectSameChanges(seed: seed, isOrderedAcrossPools: isOrderedAcrossPools)
    }
}

/// Two stores to which the same is done.
private final class StorePair {
    private let memory: MemoryStateStore
    private let other: any StateStore
    private let clock: ManualClock
    private var random: SeededGenerator
    private let ids: [ReplicaID]
    private let pools: Set<PoolID>
    /// Tokens are each store's own; everything else of a lease is the same. Old ones are kept: they must be refused alike.
    private var leases: [(memory: CopyLease, other: CopyLease)] = []
    private var removals: [(memory: Removal, other: Removal)] = []
    private var memoryChanges: AsyncStream<ReplicaChange>?
    private var otherChanges: AsyncStream<ReplicaChange>?

    init(memory: MemoryStateStore, other: any StateStore, clock: ManualClock, seed: UInt64) throws {
        self.memory = memory
        self.other = other
        self.clock = clock
        random = SeededGenerator(seed: seed)
        ids = try (0..<6).flatMap { number in
            // Of three origins.
            let artifact = try ArtifactURL("https://origin-\(number % 3).example.org/builds/\(number).tar.bz2")
            return try ["s3/eu-central-1", "local/dev"].map { ReplicaID(artifact: artifact, pool: try Sample.pool($0)) }
        }
        pools = Set(ids.map(\.pool))
    }

    /// Does something to both and compares the answers.
    ///
    /// - Returns: What was done.
    func step() async throws -> String {
        if memoryChanges == nil {
            memoryChanges = await memory.changes()
            otherChanges = await other.changes()
        }
        if Bool.random(using: &random) { clock.advance(by: .milliseconds(Int.random(in: 0...4_000, using: &random))) }
        let id = ids[Int.random(in: 0..<ids.count, using: &random)]
        let time = clock.now - .milliseconds(Int.random(in: 0...9_000, using: &random))
        switch Int.random(in: 0..<17, using: &random) {
        case 0, 1, 2:
            return try await both("claim \(id)") { try await $0.claim(id) }
        case 3:
            let object = object(id)
            return try await both("recordPresent \(id)") { try await $0.recordPresent(id, object) }
        case 4, 5, 6:
            return try await lease()
        case 7:
            guard let pair = someLease() else { return "extend no lease" }
            return try await onLease(pair, "extend") { store, lease in
                let extended = try await store.extend(lease, duration: .seconds(5))
                return [Int64(extended.attempt), extended.expires.milliseconds]
            }
        case 8, 9, 10:
            guard let pair = someLease() else { return "finish no lease" }
            let result = result(pair.memory.id)
            return try await onLease(pair, "finish \(result)") { store, lease in
                try await store.finish(lease, result)
                return []
            }
        case 11:
            let uses = [ReplicaUse(id: id, at: time), ReplicaUse(id: ids[0], at: clock.now)]
            return try await both("touch \(uses)") { try await $0.touch(uses) }
        case 12, 13:
            let some = Array(ids.shuffled(using: &random).prefix(3))
            return try await both("mark \(some)") { try await $0.mark(some, unusedSince: time) }
        case 14:
            return try await beginRemoval(of: id, [.none, .abandoned, .unused(since: time)].randomElement(using: &random) ?? .none)
        case 15:
            return try await both("forgetErrors before \(time)") { try await $0.forgetErrors(before: time, limit: 2) }
        default:
            // Mostly a young one, which is the more interesting.
            guard let pair = removals.suffix(Int.random(in: 1...4, using: &random)).first else { return "nothing" }
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                return try await onRemoval(pair, "confirm") { [try await $0.confirm([$1], duration: .seconds(4)).count] }
            case 1:
                return try await onRemoval(pair, "handBack") {
                    try await $0.handBack($1)
                    return []
                }
            default:
                return try await onRemoval(pair, "endRemoval") { [try await $0.endRemoval($1) ? 1 : 0] }
            }
        }
    }

    /// What differs between the stores; everything of the state is looked at.
    func difference() async throws -> String? {
        func compare<Value: Equatable & Sendable>(_ what: String, _ look: (any StateStore) async throws -> Value) async throws -> String? {
            let (first, second) = (try await look(memory), try await look(other))
            return first == second ? nil : "\(what): \(first) and \(second)"
        }
        let all = try await compare("replicas") { try await $0.replicas(in: nil, after: nil, limit: 99) }
        if let all { return all }
        let passed = passedOver()
        let due = try await compare("nextDue") { try await $0.nextDue(pools: pools, passingOver: passed) }
        if let due { return due }
        let id = ids[Int.random(in: 0..<ids.count, using: &random)]
        let one = try await compare("replica") { try await $0.replica(id) }
        if let one { return one }
        let totals = try await compare("totals") { try await $0.totals(of: id.pool) }
        if let totals { return totals }
        // In no order that is promised.
        let removed = try await compare("abandonedRemovals") { store in
            Set(try await store.abandonedRemovals(in: id.pool, limit: 9))
        }
        if let removed { return removed }
        return try await compare("leastRecentlyUsed") { store in
            let page = try await store.leastRecentlyUsed(in: id.pool, after: nil, limit: 3)
            return page + (try await store.leastRecentlyUsed(in: id.pool, after: page.last, limit: 9))
        }
    }

    func expectSameChanges(seed: UInt64, isOrderedAcrossPools: Bool) async throws {
        await memory.close()
        await other.close()
        let first = await memoryChanges?.reduce(into: []) { $0.append($1) } ?? []
        let second = Self.withoutRepeats(await otherChanges?.reduce(into: []) { $0.append($1) } ?? [])
        if isOrderedAcrossPools { #expect(first == second, "seed \(seed)") }
        for pool in pools {
            #expect(first.filter { $0.pool == pool } == second.filter { $0.pool == pool }, "seed \(seed)")
        }
        #expect(first.count == second.count, "seed \(seed)")
        #expect(first.count > 50, "seed \(seed): too little happened")
    }

    /// Without what says of an absent replica that it is absent, or may have changed: a store may say so once more.
    private static func withoutRepeats(_ changes: [ReplicaChange]) -> [ReplicaChange] {
        var present: Set<ReplicaID> = []
        return changes.filter { change in
            switch change {
            case .replica(let id, nil): return present.remove(id) != nil
            case .replica(let id, _?):
                present.insert(id)
                return true
            case .stale, .staleName: return false
            case .everything, .interrupted: return true
            }
        }
    }

    // MARK: -

    private func both<Value: Equatable & Sendable>(_ what: String, _ body: (any StateStore) async throws -> Value) async throws -> String {
        let (first, second) = (try await body(memory), try await body(other))
        try require(first == second, "\(what): \(first) and \(second)")
        return what
    }

    private func both(_ what: String, _ body: (any StateStore) async throws -> Void) async throws -> String {
        try await body(memory)
        try await body(other)
        return what
    }

    private func lease() async throws -> String {
        let asked = Bool.random(using: &random) ? pools : [ids[Int.random(in: 0..<ids.count, using: &random)].pool]
        let passed = passedOver()
        let first = try await memory.lease(pools: asked, passingOver: passed, worker: "worker", duration: .seconds(5))
        let second = try await other.lease(pools: asked, passingOver: passed, worker: "worker", duration: .seconds(5))
        let isSame =
            switch (first, second) {
            case (nil, nil): true
            case (.leased(let first), .leased(let second)):
                first.id == second.id && first.attempt == second.attempt && first.expires == second.expires && first.lane == second.lane
            case (.setAside, .setAside): first == second
            default: false
            }
        try require(isSame, "lease: \(String(describing: first)) and \(String(describing: second))")
        if case .leased(let first) = first, case .leased(let second) = second { leases.append((first, second)) }
        return "lease passing over \(passed)"
    }

    private func beginRemoval(of id: ReplicaID, _ condition: RemovalCondition) async throws -> String {
        let first = try await memory.beginRemoval(id, condition, duration: .seconds(4))
        let second = try await other.beginRemoval(id, condition, duration: .seconds(4))
        try require((first == nil) == (second == nil), "beginRemoval \(condition) of \(id)")
        if let first, let second { removals.append((first, second)) }
        return "beginRemoval \(condition) of \(id)"
    }

    private func onRemoval(
        _ pair: (memory: Removal, other: Removal), _ what: String, _ body: (any StateStore, Removal) async throws -> [Int]
    ) async throws -> String {
        func outcome(_ store: any StateStore, _ removal: Removal) async throws -> String {
            do {
                return "\(try await body(store, removal))"
            } catch let error as StateError {
                return error.code.rawValue
            }
        }
        let (first, second) = (try await outcome(memory, pair.memory), try await outcome(other, pair.other))
        try require(first == second, "\(what): \(first) and \(second)")
        return "\(what) of \(pair.memory.id)"
    }

    private func passedOver() -> Set<CopyLane> {
        let lanes = Set(ids.map { CopyLane(of: $0.artifact) }).union([.unfinished]).sorted { $0.description < $1.description }
        return Set(lanes.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
    }

    /// Mostly a young one, which is the more interesting.
    private func someLease() -> (memory: CopyLease, other: CopyLease)? {
        leases.suffix(Int.random(in: 1...8, using: &random)).first
    }

    /// - Parameter body: What it returns is compared, or the code of what it throws.
    private func onLease(
        _ pair: (memory: CopyLease, other: CopyLease), _ what: String, _ body: (any StateStore, CopyLease) async throws -> [Int64]
    ) async throws -> String {
        func outcome(_ store: any StateStore, _ lease: CopyLease) async throws -> String {
            do {
                return "\(try await body(store, lease))"
            } catch let error as StateError {
                return error.code.rawValue
            }
        }
        let (first, second) = (try await outcome(memory, pair.memory), try await outcome(other, pair.other))
        try require(first == second, "\(what): \(first) and \(second)")
        return "\(what) of \(pair.memory.id)"
    }

    private func object(_ id: ReplicaID) -> StoredObject {
        StoredObject(
            key: ObjectKey(id.artifact), size: Int64.random(in: 0...5_000_000_000_000, using: &random),
            sha256: Bool.random(using: &random)
                ? Digest(.sha256, bytes: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }) : nil,
            storedAt: clock.now, lastUsed: clock.now)
    }

    private func result(_ id: ReplicaID) -> CopyResult {
        let pause = Duration.milliseconds(Int.random(in: -1_000...5_000, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1, 2: return .present(object(id))
        case 3:
            let reasons: [CopyFailure.Reason] = [.origin(status: 404), .refused, .transfer, .tooLarge, .storage]
            return .failed(
                CopyFailure(
                    reason: reasons[Int.random(in: 0..<reasons.count, using: &random)], message: "it failed", retryAt: clock.now + pause))
        case 4: return .retry(after: pause)
        default: return .handBack
        }
    }
}

extension ReplicaChange {
    fileprivate var pool: PoolID? {
        switch self {
        case .replica(let id, _), .stale(let id): id.pool
        case .staleName(_, let pool): pool
        case .interrupted, .everything: nil
        }
    }
}
