import MirrorCore
import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

@Suite("The Redis state store", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisStateStoreTests {
    private let clock = ManualClock()

    private func failure(_ reason: CopyFailure.Reason = .transfer) -> CopyFailure {
        CopyFailure(reason: reason, message: "it failed", retryAt: clock.now + .seconds(30))
    }

    private func lease(_ store: RedisStateStore, worker: String = "worker") async throws -> CopyLease {
        try #require(try await store.lease(pools: [Sample.pool()], worker: worker, duration: .seconds(15)))
    }

    // MARK: Several processes

    @Test("two stores side by side are one: each sees the other's jobs and hears of its changes")
    func sharesState() async throws {
        let place = try await RedisPlace.onServer()
        let (first, second) = (try await place.open(clock), try await place.open(clock))
        let id = try Sample.id(1)
        var told = [await first.changes().makeAsyncIterator(), await second.changes().makeAsyncIterator()]
        #expect(try await first.claim(id) == .claimed)
        #expect(try await second.claim(id) == .exists(Replica(id: id, status: .pending)))
        let object = Sample.object(id)
        try await second.finish(try await lease(second), .present(object))
        for position in told.indices {
            #expect(await told[position].next() == .replica(id, Replica(id: id, status: .pending)))
            #expect(await told[position].next() == .replica(id, Replica(id: id, status: .present(object))))
        }
        #expect(try await first.replica(id)?.status == .present(object))
        await first.close()
        await second.close()
    }

    @Test("a replica that was read is told as stale when somebody changes what is not told otherwise; uses and heartbeats are no changes")
    func tracksReads() async throws {
        let place = try await RedisPlace.onServer()
        let (reader, writer) = (try await place.open(clock), try await place.open(clock))
        let id = try Sample.id(1)
        _ = try await writer.recordPresent(id, Sample.object(id))
        var told = await reader.changes().makeAsyncIterator()
        _ = try await reader.replica(id)
        let admin = RedisTestClient(place.configuration)
        let later = Timestamp(milliseconds: 1_700_000_000_500)
        try await writer.touch([ReplicaUse(id: id, at: later)])
        guard case .present(let object) = try await reader.replica(id)?.status else {
            Issue.record("not present")
            return
        }
        #expect(object.lastUsed == later)
        try await admin.ask("DEL", place.key(id))
        #expect(await told.next() == .stale(id))
        let job = try Sample.id(2)
        #expect(try await writer.claim(job) == .claimed)
        let lease = try await lease(writer)
        _ = try await reader.replica(job)
        _ = try await writer.extend(lease, duration: .seconds(60))
        _ = try await writer.claim(try Sample.id(3))
        #expect(await told.next() == .replica(job, Replica(id: job, status: .pending)))
        #expect(await told.next() == .replica(try Sample.id(3), Replica(id: try Sample.id(3), status: .pending)))
        await reader.close()
        await writer.close()
        await admin.close()
    }

    @Test("a lost connection is followed by everything")
    func tellsEverythingAfterALoss() async throws {
        let server = try await RedisServer.start()
        let place = RedisPlace(configuration: server.configuration)
        let store = try await place.open(clock)
        var told = await store.changes().makeAsyncIterator()
        let admin = RedisTestClient(server.configuration)
        try await admin.ask("CLIENT", "KILL", "TYPE", "pubsub")
        #expect(await told.next() == .everything)
        #expect(try await store.claim(try Sample.id(1)) == .claimed)
        await store.close()
        await admin.close()
    }

    @Test("a server that is gone interrupts whoever waits, drops what is remembered only when that is too old, and again when it is back")
    func tellsOfAnOutage() async throws {
        let server = try await RedisServer.start()
        let place = RedisPlace(configuration: server.configuration)
        let patient = try await place.open(clock)
        let store = try await place.open(clock, staleLife: .milliseconds(600))
        var toldPatient = await patient.changes().makeAsyncIterator()
        var told = await store.changes().makeAsyncIterator()
        _ = try await server.end()
        #expect(await toldPatient.next() == .interrupted)
        // Takes the place of what was not read in time.
        while let change = await told.next(), change != .everything { #expect(change == .interrupted) }
        try await server.start()
        #expect(await toldPatient.next() == .everything)
        #expect(await told.next() == .everything)
        #expect(try await store.claim(try Sample.id(1)) == .claimed)
        for change in [await toldPatient.next(), await told.next()] {
            #expect(change == .replica(try Sample.id(1), Replica(id: try Sample.id(1), status: .pending)))
        }
        await patient.close()
        await store.close()
    }

    @Test("after FLUSHALL everything is told and absent, tokens go on growing, and a lease from before is refused")
    func survivesFlushing() async throws {
        let server = try await RedisServer.start()
        let store = try await RedisPlace(configuration: server.configuration).open(clock)
        let admin = RedisTestClient(server.configuration)
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        let before = try await lease(store)
        _ = try await store.recordPresent(try Sample.id(2), Sample.object(try Sample.id(2)))
        _ = try await store.replica(try Sample.id(2))
        var told = await store.changes().makeAsyncIterator()
        try await admin.ask("FLUSHALL")
        #expect(await told.next() == .everything)
        #expect(try await store.replica(id) == nil)
        #expect(try await store.totals(of: id.pool) == PoolTotals())
        await #expect(throws: StateError.self) { try await store.finish(before, .handBack) }
        #expect(try await store.claim(id) == .claimed)
        let after = try await lease(store)
        #expect(after.token > before.token)
        #expect(after.attempt == 1)
        await #expect(throws: StateError.self) { try await store.finish(before, .present(Sample.object(id))) }
        try await store.finish(after, .present(Sample.object(id)))
        await store.close()
        await admin.close()
    }

    @Test("a job that a clock ahead of this one queued, before a fail-over, does not hold up the queue")
    func leasesWhatComesFromTheFuture() async throws {
        let place = try await RedisPlace.onServer()
        let ahead = ManualClock()
        ahead.advance(by: .seconds(300))
        let (before, store) = (try await place.open(ahead), try await place.open(clock))
        #expect(try await before.claim(try Sample.id(1)) == .claimed)
        #expect(try await store.claim(try Sample.id(2)) == .claimed)
        #expect(try await store.nextDue(pools: [try Sample.pool()]) == clock.now)
        #expect(Set([try await lease(store).id, try await lease(store).id]) == [try Sample.id(1), try Sample.id(2)])
        await before.close()
        await store.close()
    }

    @Test("a failure lasts as long as the node says that reports it, also when that one's clock is ahead of the server's")
    func failureOfAClockAhead() async throws {
        let place = try await RedisPlace.onServer()
        let ahead = ManualClock(now: SystemClock().now + .seconds(3_600))
        let (store, reader) = (try await place.open(ahead, isTimedByServer: true), try await place.open(nil))
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(600)))
        let failure = CopyFailure(reason: .transfer, message: "no", retryAt: ahead.now + .seconds(30))
        try await store.finish(lease, .failed(failure))
        if case .error(let found) = try await reader.replica(id)?.status {
            #expect(found.retryAt <= SystemClock().now + .seconds(30))
        } else {
            Issue.record("the replica is no error")
        }
        await store.close()
        await reader.close()
    }

    @Test("without a clock of its own the store goes by the server's")
    func goesByTheServersClock() async throws {
        let store = try await RedisPlace.onServer().open(nil)
        let id = try Sample.id(1)
        let system = SystemClock()
        #expect(try await store.claim(id) == .claimed)
        let start = system.now
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(600)))
        #expect(lease.expires >= start + .seconds(600))
        #expect(lease.expires <= system.now + .seconds(600))
        #expect(try await store.lease(pools: [id.pool, try Sample.pool("local/dev")], worker: "other", duration: .seconds(15)) == nil)
        let later = system.now + .seconds(3_600)
        try await store.finish(lease, .retry(after: .seconds(3_600)))
        let due = try #require(try await store.nextDue(pools: [id.pool]))
        #expect(abs(due.milliseconds - later.milliseconds) < 60_000)
        #expect(try await store.lease(pools: [id.pool], worker: "other", duration: .seconds(15)) == nil)
        _ = try await store.beginRemoval(id, .none, duration: .seconds(600))
        #expect(try await store.abandonedRemovals(in: id.pool, limit: 9) == [])
        let other = try Sample.id(9)
        _ = try await store.beginRemoval(other, .none, duration: .zero)
        #expect(try await store.abandonedRemovals(in: id.pool, limit: 9) == [other])
        await store.close()
    }

    @Test("where a server of a cluster is away, only its pools count as somebody else's to copy to")
    func copiersOfALostServer() async throws {
        let cluster = try await RedisCluster.start(nodeTimeout: 15_000)
        let names = (1...6).map { "s3/region-\($0)" }
        let pools = Set(try names.map { try Sample.pool($0) })
        let store = try await RedisPlace(configuration: cluster.configuration).open(clock, pools: names)
        #expect(try await store.poolsWithCopiers(among: pools) == [])
        try await cluster.servers[2].end(.kill)
        var away: Set<PoolID> = []
        for pool in pools {
            do { _ = try await store.totals(of: pool) } catch { away.insert(pool) }
        }
        #expect(!away.isEmpty && away != pools)
        #expect(try await store.poolsWithCopiers(among: pools) == away)
        await #expect(throws: StateError.self) { try await store.poolsWithCopiers(among: away) }
        await store.close()
    }

    @Test("copiers are known while they live, each in its pools")
    func registersCopiers() async throws {
        let place = try await RedisPlace.onServer()
        let (copier, front) = (try await place.open(clock), try await place.open(clock))
        let (pool, other) = (try Sample.pool(), try Sample.pool("local/dev"))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [])
        try await copier.register(copier: "one", pools: [pool], life: .seconds(10))
        try await copier.register(copier: "two", pools: [pool, other], life: .seconds(20))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [pool, other])
        try await copier.unregister(copier: "two", pools: [pool, other])
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [pool])
        clock.advance(by: .seconds(9))
        try await copier.register(copier: "one", pools: [pool], life: .seconds(10))
        clock.advance(by: .seconds(9))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [pool])
        clock.advance(by: .seconds(1))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [])

        // The clock is put back, and the copier dies.
        try await copier.register(copier: "one", pools: [pool], life: .seconds(10))
        clock.advance(by: .seconds(-3_600))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [pool])
        clock.advance(by: .seconds(20))
        #expect(try await front.poolsWithCopiers(among: [pool, other]) == [])
        await copier.close()
        await front.close()
    }

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
        let statistics = try await admin.ask("INFO", "commandstats").string ?? ""
        let calls = statistics.split(whereSeparator: \.isNewline).compactMap { line in
            line.firstRange(of: "calls=").flatMap { Int(line[$0.upperBound...].prefix { $0 != "," }) }
        }
        guard case .leased(let lease) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(lease.id == (try id("quiet", 1)))
        #expect(!calls.isEmpty && calls.reduce(0, +) < 60, "\(statistics)")
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
