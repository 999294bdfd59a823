import MirrorCore
import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

extension RedisStateStoreTests {
    // MARK: Jobs

    @Test("a job is one entry of the stream, shows its worker, and is gone from the stream when it ends")
    func keepsJobsInAStream() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        func pending(_ worker: String) async throws -> Int {
            try await admin.ask("XPENDING", place.key("jobs"), "copiers", "-", "+", "9", worker).array?.count ?? -1
        }
        for number in 1...2 { #expect(try await store.claim(try Sample.id(number)) == .claimed) }
        #expect(try await admin.ask("XLEN", place.key("jobs")).integer == Int64(2))
        let first = try await lease(store, worker: "one")
        #expect(try await pending("one") == 1)
        clock.advance(by: .seconds(16))
        // The one that was queued since before the lease ran out, then the one of the dead worker.
        let second = try await lease(store, worker: "two")
        let again = try await lease(store, worker: "two")
        #expect(Set([second.id, again.id]) == [try Sample.id(1), try Sample.id(2)])
        #expect(try await pending("one") == 0)
        #expect(try await pending("two") == 2)
        await #expect(throws: StateError.self) { try await store.finish(first, .present(Sample.object(first.id))) }
        for lease in [second, again] { try await store.finish(lease, .present(Sample.object(lease.id))) }
        #expect(try await pending("two") == 0)
        #expect(try await admin.ask("XLEN", place.key("jobs")).integer == Int64(0))
        #expect(try await admin.ask("EXISTS", place.key("due")).integer == Int64(0))
        let consumers = try await admin.ask("XINFO", "CONSUMERS", place.key("jobs"), "copiers").array ?? []
        #expect(consumers.count == 2)
        await store.close()
        await admin.close()
    }

    @Test("a job that failed for good is written down; an answer of the origin is not")
    func writesDeadLetters() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let reasons: [CopyFailure.Reason] = [.origin(status: 404), .refused, .tooLarge, .transfer, .storage]
        for (number, reason) in reasons.enumerated() {
            #expect(try await store.claim(try Sample.id(number)) == .claimed)
            try await store.finish(try await lease(store), .failed(failure(reason)))
        }
        let dead = try await admin.ask("XRANGE", place.key("dead"), "-", "+").array ?? []
        let words = dead.map { $0.array?.last?.array?.compactMap(\.string) ?? [] }
        let time = "\(clock.now.milliseconds)"
        #expect(
            words
                == [("3", "transfer"), ("4", "storage")].map { number, reason in
                    [
                        "url", "https://artifacts.example.org/builds/\(number).tar.bz2", "attempts", "1", "reason", reason, "message",
                        "it failed",
                        "at", time,
                    ]
                })
        await store.close()
        await admin.close()
    }

    /// How often each command was called since `CONFIG RESETSTAT`, by scripts too.
    private func calls(_ admin: RedisTestClient) async throws -> [String: Int] {
        let lines = try await admin.ask("INFO", "commandstats").string?.split(whereSeparator: \.isNewline) ?? []
        return lines.reduce(into: [:]) { calls, line in
            guard let colon = line.firstIndex(of: ":"), let mark = line.firstRange(of: "calls=") else { return }
            calls[String(line[..<colon])] = Int(line[mark.upperBound...].prefix { $0 != "," })
        }
    }

    @Test("a copy is two scripts with few commands: its job is leased as it is queued, and shows its worker")
    func leasesWithTheClaim() async throws {
        let server = try await RedisServer.start()
        let place = RedisPlace(configuration: server.configuration)
        let store = try await place.open(clock)
        let admin = RedisTestClient(server.configuration)
        let terms = LeaseTerms(pools: [try Sample.pool()], worker: "one", duration: .seconds(15))
        // At the first one the server does not know the scripts, and there is no group.
        for number in 1...2 {
            let id = try Sample.id(number)
            try await admin.ask("CONFIG", "RESETSTAT")
            guard case (.claimed, .leased(let lease)?) = try await store.claim(id, leasing: terms) else {
                Issue.record("it is not leased")
                return
            }
            #expect(lease == CopyLease(id: id, token: lease.token, attempt: 1, queuedAt: clock.now, expires: clock.now + .seconds(15)))
            #expect(try await admin.ask("XPENDING", place.key("jobs"), "copiers", "-", "+", "9", "one").array?.count == 1)
            #expect(try await admin.ask("HMGET", place.key(id), "worker", "attempts").array?.compactMap(\.string) == ["one", "1"])
            #expect(try await store.finish(lease, .present(Sample.object(id)), leasing: terms) == .notDue(next: nil))
        }
        let calls = try await calls(admin)
        #expect(calls["cmdstat_evalsha"] == 2)
        #expect(calls.values.reduce(0, +) < 67, "\(calls)")
        #expect(try await store.totals(of: try Sample.pool()) == PoolTotals(objects: 2, bytes: 200))
        await store.close()
        await admin.close()
    }

    @Test("a claim leases its own job only where it does not pass over its lane, and where no other job is due")
    func leasesWhatIsNext() async throws {
        let store = try await RedisPlace.onServer().open(clock)
        let ids = try (1...4).map { try Sample.id($0) }
        let lane = CopyLane(of: ids[0].artifact)
        func claim(_ id: ReplicaID, passingOver lanes: Set<CopyLane>...) async throws -> ReplicaID? {
            let terms = LeaseTerms(pools: [id.pool], passingOver: lanes, worker: "one", duration: .seconds(15))
            let (claim, outcome) = try await store.claim(id, leasing: terms)
            #expect(claim == .claimed)
            guard case .leased(let lease)? = outcome else { return nil }
            return lease.id
        }
        #expect(try await claim(ids[0], passingOver: [lane], []) == ids[0])
        #expect(try await claim(ids[1], passingOver: [lane]) == nil)
        #expect(try await claim(ids[2], passingOver: [lane], []) == ids[1])
        let elsewhere = ReplicaID(artifact: try ArtifactURL("https://other.example.org/a"), pool: ids[0].pool)
        #expect(try await claim(elsewhere, passingOver: [lane], []) == elsewhere)
        #expect(try await claim(ids[3], passingOver: []) == ids[2])
        #expect(try await store.lease(pools: [ids[0].pool], worker: "one", duration: .seconds(15))?.id == ids[3])
        #expect(try await store.totals(of: ids[0].pool).pending == 5)
        await store.close()
    }

    @Test("a lease looks at the lanes that it passes over, and not at the jobs in them")
    func passesOverCheaply() async throws {
        let server = try await RedisServer.start()
        let store = try await RedisPlace(configuration: server.configuration).open(clock, maxQueued: 10_000)
        let admin = RedisTestClient(server.configuration)
        func id(_ origin: String, _ number: Int) throws -> ReplicaID {
            ReplicaID(artifact: try ArtifactURL("https://\(origin).example.org/\(number)"), pool: try Sample.pool())
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<50 {
                group.addTask {
                    for number in 0..<60 { _ = try await store.claim(try id("busy-\(number % 3)", task * 60 + number)) }
                }
            }
            try await group.waitForAll()
        }
        clock.advance(by: .milliseconds(1))
        #expect(try await store.claim(try id("quiet", 1)) == .claimed)
        let passed = try (0..<3).map { CopyLane(of: try id("busy-\($0)", 0).artifact) }
        try await admin.ask("CONFIG", "RESETSTAT")
        let outcome = try await store.lease(pools: [try Sample.pool()], passingOver: Set(passed), worker: "worker", duration: .seconds(15))
        let calls = try await calls(admin)
        guard case .leased(let lease) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(lease.id == (try id("quiet", 1)))
        #expect(!calls.isEmpty && calls.values.reduce(0, +) < 60, "\(calls)")
        await store.close()
        await admin.close()
    }

    @Test("jobs that are in no lane, as an older version queues them, are found")
    func mendsLanes() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let ids = try (1...3).map { try Sample.id($0) }
        for id in ids { #expect(try await store.claim(id) == .claimed) }
        let running = try await lease(store)
        let lane = CopyLane(of: ids[0].artifact)
        try await admin.ask("DEL", place.key("due"), place.key("lanes"), place.key("lane:\(lane)"))
        #expect(try await lease(store).id == ids[1])
        #expect(try await lease(store).id == ids[2])
        try await store.finish(running, .present(Sample.object(running.id)))
        #expect(try await store.totals(of: running.id.pool) == PoolTotals(objects: 1, bytes: 100, pending: 2))
        await store.close()
        await admin.close()
    }

    @Test("a group that was deleted is made anew, and a lease that runs is left to run")
    func survivesALostGroup() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        for number in 1...2 { #expect(try await store.claim(try Sample.id(number)) == .claimed) }
        let running = try await lease(store)
        try await admin.ask("XGROUP", "DESTROY", place.key("jobs"), "copiers")
        #expect(try await lease(store).id == (try Sample.id(2)))
        #expect(try await store.lease(pools: [running.id.pool], worker: "other", duration: .seconds(15)) == nil)
        _ = try await store.extend(running, duration: .seconds(15))
        clock.advance(by: .seconds(16))
        let again = [try await lease(store), try await lease(store)]
        #expect(again.map(\.attempt) == [2, 2])
        #expect(try await store.lease(pools: [running.id.pool], worker: "other", duration: .seconds(15)) == nil)
        for lease in again { try await store.finish(lease, .present(Sample.object(lease.id))) }
        #expect(try await store.totals(of: running.id.pool) == PoolTotals(objects: 2, bytes: 200))
        await store.close()
        await admin.close()
    }

    /// Every way to lose a part of a queue, by the ends of the names of the keys.
    private static let losses = [["jobs"], ["due"], ["lanes"], ["lane:"], ["due", "lanes"], ["jobs", "due", "lanes", "lane:"]]

    private func lose(_ ends: [String], _ place: RedisPlace, _ admin: RedisTestClient) async throws {
        let keys = try await admin.ask("KEYS", "\(place.prefix)*").array?.compactMap(\.string) ?? []
        for end in ends {
            for key in keys where key.hasPrefix(place.key(end)) && (end == "lane:" || key == place.key(end)) {
                try await admin.ask("DEL", key)
            }
        }
    }

    @Test("whoever claims a pending replica that has no job any more has it queued", arguments: losses)
    func claimRestoresJobs(_ loss: [String]) async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let ids = try (1...3).map { try Sample.id($0) }
        for id in ids { #expect(try await store.claim(id) == .claimed) }
        let running = try await lease(store)
        try await lose(loss, place, admin)
        for id in ids { #expect(try await store.claim(id) == .exists(Replica(id: id, status: .pending))) }
        #expect(try await store.totals(of: ids[0].pool).pending == 3)
        let others = [try await lease(store), try await lease(store)]
        #expect(Set(others.map(\.id)) == Set(ids[1...]))
        #expect(try await store.lease(pools: [ids[0].pool], worker: "other", duration: .seconds(15)) == nil)
        // Whoever had a job has it still.
        try await store.finish(running, .present(Sample.object(running.id)))
        for lease in others { try await store.finish(lease, .present(Sample.object(lease.id))) }
        #expect(try await store.totals(of: ids[0].pool) == PoolTotals(objects: 3, bytes: 300))
        #expect(try await store.nextDue(pools: [ids[0].pool]) == nil)
        await store.close()
        await admin.close()
    }

    @Test("a sweep puts back the jobs of pending replicas that nobody asks for, and tells of them", arguments: losses)
    func sweepRestoresJobs(_ loss: [String]) async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let ids = try (1...3).map { try Sample.id($0) }
        for id in ids { #expect(try await store.claim(id) == .claimed) }
        // Counted a moment ago.
        _ = try await store.leastRecentlyUsed(in: ids[0].pool, after: nil, limit: 1)
        let elsewhere = ReplicaID(artifact: try ArtifactURL("https://other.example.org/a"), pool: ids[0].pool)
        try await lose(loss, place, admin)
        // So that a lane is left when another one is lost.
        #expect(try await store.claim(elsewhere) == .claimed)
        _ = try await store.nextDue(pools: [elsewhere.pool])
        _ = try await store.leastRecentlyUsed(in: ids[0].pool, after: nil, limit: 1)
        var leased: Set<ReplicaID> = []
        for _ in 0..<4 { leased.insert(try await lease(store).id) }
        #expect(leased == Set(ids + [elsewhere]))
        await store.close()
        await admin.close()
    }

    @Test("entries of the queue without a record, or of a replica that is not pending, are leased to nobody and go")
    func dropsStrayEntries() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let (gone, present) = (try Sample.id(1), try Sample.id(2))
        for id in [gone, present] { #expect(try await store.claim(id) == .claimed) }
        try await admin.ask("DEL", place.key(gone))
        let record = ["status", "present", "size", "1", "stored_at", "1", "last_used", "1"]
        try await admin.ask("DEL", place.key(present))
        try await admin.ask(
            "HSET", place.key(present), record[0], record[1], record[2], record[3], record[4], record[5], record[6], record[7])
        #expect(try await store.lease(pools: [gone.pool], worker: "worker", duration: .seconds(15)) == nil)
        #expect(try await store.nextDue(pools: [gone.pool]) == nil)
        #expect(try await admin.ask("XLEN", place.key("jobs")).integer == 0)
        await store.close()
        await admin.close()
    }

    @Test("a pending replica whose stream was deleted is leased anew, by claims and without")
    func survivesALostStream() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        for number in 1...2 { #expect(try await store.claim(try Sample.id(number)) == .claimed) }
        let leased = try await lease(store)
        try await admin.ask("DEL", place.key("jobs"))
        #expect(try await store.claim(try Sample.id(2)) == .exists(Replica(id: try Sample.id(2), status: .pending)))
        #expect(try await lease(store).id == (try Sample.id(2)))
        clock.advance(by: .seconds(16))
        let again = [try await lease(store), try await lease(store)]
        #expect(Set(again.map(\.id)) == [leased.id, try Sample.id(2)])
        for lease in again { try await store.finish(lease, .present(Sample.object(lease.id))) }
        #expect(try await admin.ask("XLEN", place.key("jobs")).integer == Int64(0))

        // Nothing else in the stream.
        #expect(try await store.claim(try Sample.id(3)) == .claimed)
        let last = try await lease(store)
        try await admin.ask("DEL", place.key("jobs"))
        clock.advance(by: .seconds(16))
        #expect(try await lease(store).id == last.id)
        await store.close()
        await admin.close()
    }
}
