import MirrorCore
import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

@Suite("The Redis state store", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisStateStoreTests {
    let clock = ManualClock()

    func failure(_ reason: CopyFailure.Reason = .transfer) -> CopyFailure {
        CopyFailure(reason: reason, message: "it failed", retryAt: clock.now + .seconds(30))
    }

    func lease(_ store: RedisStateStore, worker: String = "worker") async throws -> CopyLease {
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

    @Test("replicas that were looked up together, more than at once, are told as stale by their names")
    func tracksReadsOfMany() async throws {
        let place = try await RedisPlace.onServer()
        let (reader, writer) = (try await place.open(clock), try await place.open(clock))
        let ids = try (0..<501).map { try Sample.id($0) }
        let absent = ids[250]
        for id in ids where id != absent { _ = try await writer.recordPresent(id, Sample.object(id)) }
        var told = await reader.changes().makeAsyncIterator()
        let found = try await reader.replicas(ids)
        #expect(found.count == ids.count && found[250] == nil)
        #expect(found.compactMap { $0?.id } == ids.filter { $0 != absent })
        let admin = RedisTestClient(place.configuration)
        for id in [ids[0], ids[499], ids[500]] {
            try await admin.ask("DEL", place.key(id))
            #expect(await told.next() == .stale(id))
        }
        try await admin.ask("SET", place.key(ids[7]), "mine")
        let error = try await requireThrows(StateError.self) { _ = try await reader.replicas(ids) }
        #expect(error.code == .corrupt)
        await reader.close()
        await writer.close()
        await admin.close()
    }

    @Test("a change of a replica whose name this process does not know is told with its name, and one that cannot be read as everything")
    func readsMessages() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        let url = "\(id.artifact)"
        var told = await store.changes().makeAsyncIterator()
        func publish(_ texts: [String]) async throws {
            try await admin.ask("PUBLISH", place.key("changes"), texts.map { "\($0.utf8.count):\($0)" }.joined())
        }
        try await publish([url, "status", "pending"])
        #expect(await told.next() == .replica(id, Replica(id: id, status: .pending)))
        try await publish([url])
        #expect(await told.next() == .replica(id, nil))
        try await publish([id.artifact.nameHash])
        #expect(await told.next() == .staleName(id.artifact.nameHash, id.pool))
        for texts in [[url, "status"], [url, "status", "purple"], ["no URL", "status", "pending"], ["HTTPS\(url.dropFirst(5))"]] {
            try await publish(texts)
            #expect(await told.next() == .everything)
        }
        try await admin.ask("PUBLISH", place.key("changes"), "99:\(url)")
        #expect(await told.next() == .everything)
        await store.close()
        await admin.close()
    }

    @Test("a replica that was claimed is told as stale by its hash, whoever has claimed it first: requests wait for it")
    func knowsClaims() async throws {
        let place = try await RedisPlace.onServer()
        let (first, second) = (try await place.open(clock), try await place.open(clock))
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        let hash = id.artifact.nameHash
        #expect(try await first.claim(id) == .claimed)
        #expect(try await second.claim(id) == .exists(Replica(id: id, status: .pending)))
        for store in [first, second] {
            var told = await store.changes().makeAsyncIterator()
            try await admin.ask("PUBLISH", place.key("changes"), "\(hash.utf8.count):\(hash)")
            #expect(await told.next() == .stale(id))
            await store.close()
        }
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

    @Test("a call with a limit ends in time, whether the server is silent or there is no connection yet, and is answered if it can be")
    func limitsOneCall() async throws {
        let server = try await RedisServer.start()
        let place = RedisPlace(configuration: server.configuration)
        let store = try await place.open(clock)
        #expect(store.answerLimit == .seconds(60))
        let id = try Sample.id(1)
        _ = try await store.recordPresent(id, Sample.object(id))
        #expect(try await store.replica(id, within: .seconds(30))?.state == .present)
        server.send(.suspend)
        let unconnected = try await place.open(clock, connects: false)
        for store in [store, unconnected] {
            let began = ContinuousClock.now
            let error = try await requireThrows(StateError.self) { _ = try await store.replica(id, within: .milliseconds(50)) }
            #expect(error.code == .unavailable)
            // Without that limit it takes a minute.
            #expect(began.duration(to: .now) < .seconds(30))
        }
        server.send(.resume)
        await store.close()
        await unconnected.close()
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
}
