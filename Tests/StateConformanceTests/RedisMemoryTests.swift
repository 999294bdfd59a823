import MirrorCore
import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

/// What the server evicts, what is deleted behind the store's back, and a server without memory.
@Suite("The Redis state store and the server's memory", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisMemoryTests {
    private let clock = ManualClock()

    private func present(_ store: RedisStateStore, _ numbers: ClosedRange<Int>, size: Int64 = 100) async throws {
        for number in numbers { _ = try await store.recordPresent(try Sample.id(number), Sample.object(try Sample.id(number), size: size)) }
    }

    private func failed(_ store: RedisStateStore, _ id: ReplicaID) async throws {
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        let failure = CopyFailure(reason: .origin(status: 404), message: "gone", retryAt: clock.now + .seconds(30))
        try await store.finish(lease, .failed(failure))
    }

    @Test("a replica whose record is gone is absent, and is not counted twice when it comes back, whichever way")
    func countsWhatComesBackOnce() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        try await present(store, 1...3, size: 100)
        try await failed(store, try Sample.id(4))
        let pool = try Sample.pool()
        for number in 1...4 { try await admin.ask("DEL", place.key(try Sample.id(number))) }
        #expect(try await store.replica(try Sample.id(1)) == nil)

        try await present(store, 1...1, size: 7)
        #expect(try await store.totals(of: pool) == PoolTotals(objects: 3, bytes: 207, errors: 1))
        #expect(try await store.claim(try Sample.id(2)) == .claimed)
        #expect(try await store.claim(try Sample.id(4)) == .claimed)
        #expect(try await store.totals(of: pool) == PoolTotals(objects: 2, bytes: 107, pending: 2))
        #expect(try await store.remove(try Sample.id(3)))
        #expect(try await store.totals(of: pool) == PoolTotals(objects: 1, bytes: 7, pending: 2))
        await store.close()
        await admin.close()
    }

    @Test("when the counters of a pool are deleted, what is found in the pool is recorded all the same, unless it was removed meanwhile")
    func countersAreGone() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let (one, other) = (try Sample.id(1), try Sample.id(2))
        let before = try await store.moment(in: one.pool)
        #expect(try await store.remove(one))
        try await admin.ask("DEL", place.key("counters"))
        #expect(try await store.recordPresent(one, Sample.object(one), seenSince: before) == nil)
        let after = try await store.moment(in: one.pool)
        #expect(try await store.recordPresent(one, Sample.object(one), seenSince: after)?.state == .present)
        #expect(try await store.remove(other))
        #expect(try await store.recordPresent(other, Sample.object(other), seenSince: after) == nil)
        await store.close()
        await admin.close()
    }

    @Test("listings forget what is gone, tell of it, and still give whole pages")
    func listingsForget() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        try await present(store, 1...20)
        for number in 1...10 { try await admin.ask("DEL", place.key(try Sample.id(number))) }
        var told = await store.changes().makeAsyncIterator()
        #expect(try await store.leastRecentlyUsed(in: try Sample.pool(), after: nil, limit: 10).count == 10)
        #expect(try await store.totals(of: try Sample.pool()) == PoolTotals(objects: 10, bytes: 1_000))
        for _ in 1...10 {
            guard case .stale = await told.next() else {
                Issue.record("something else was told than that a replica may have changed")
                break
            }
        }
        for number in 11...15 { try await admin.ask("DEL", place.key(try Sample.id(number))) }
        #expect(try await store.replicas(in: try Sample.pool(), after: nil, limit: 5).count == 5)
        #expect(try await store.totals(of: try Sample.pool()) == PoolTotals(objects: 5, bytes: 500))
        await store.close()
        await admin.close()
    }

    @Test("a use of a replica whose record is gone tells whoever still hands it out")
    func usesTellOfWhatIsGone() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        try await present(store, 1...1)
        let id = try Sample.id(1)
        try await admin.ask("DEL", place.key(id))
        var told = await store.changes().makeAsyncIterator()
        try await store.touch([ReplicaUse(id: id, at: clock.now)])
        #expect(await told.next() == .stale(id))
        #expect(try await store.totals(of: id.pool) == PoolTotals())
        // Also where no index knows of it any more, as when somebody deleted all keys.
        try await store.touch([ReplicaUse(id: id, at: clock.now)])
        #expect(await told.next() == .stale(id))
        await store.close()
        await admin.close()
    }

    @Test("errors whose record is gone are forgotten like others")
    func forgetsErrorsThatAreGone() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        for number in 1...3 { try await failed(store, try Sample.id(number)) }
        try await admin.ask("DEL", place.key(try Sample.id(1)))
        #expect(try await store.forgetErrors(before: clock.now + .seconds(60), limit: 2) == 2)
        #expect(try await store.forgetErrors(before: clock.now + .seconds(60), limit: 2) == 1)
        #expect(try await store.forgetErrors(before: clock.now + .seconds(60), limit: 2) == 0)
        #expect(try await store.totals(of: try Sample.pool()) == PoolTotals())
        await store.close()
        await admin.close()
    }

    @Test("what the server really evicts are replicas, never jobs; listings, uses and totals agree with what is left")
    func survivesEviction() async throws {
        let server = try await RedisServer.start(["--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru"])
        let store = try await RedisPlace(configuration: server.configuration).open(clock)
        let admin = RedisTestClient(server.configuration)
        for number in 1...20 { #expect(try await store.claim(try Sample.id(number)) == .claimed) }
        var last = 100
        while try await admin.ask("INFO", "stats").string?.split(whereSeparator: \.isNewline).contains("evicted_keys:0") == true {
            try await present(store, (last + 1)...(last + 500))
            last += 500
            try require(last < 100_000, "nothing is evicted")
        }
        // No more goes while it is looked at.
        try await admin.ask("CONFIG", "SET", "maxmemory", "0")
        let before = try await store.totals(of: try Sample.pool())
        let left = try await store.listedByUse(in: try Sample.pool(), page: 300)
        let totals = try await store.totals(of: try Sample.pool())
        #expect(left.count < last - 100)
        #expect(totals.objects <= before.objects)
        #expect(totals == PoolTotals(objects: left.count, bytes: Int64(left.count) * 100, pending: 20))
        #expect(Set(left.map(\.id)).count == left.count)
        for number in 1...20 { #expect(try await store.replica(try Sample.id(number))?.status == .pending) }
        #expect(try await store.lease(pools: [Sample.pool()], worker: "worker", duration: .seconds(15))?.id == (try Sample.id(1)))
        await store.close()
        await admin.close()
    }

    @Test("out of memory, claims and back-fills are refused and change nothing; everything that ends something works")
    func endsThingsWithoutMemory() async throws {
        let server = try await RedisServer.start(["--maxmemory-policy", "noeviction"])
        let store = try await RedisPlace(configuration: server.configuration).open(clock)
        let admin = RedisTestClient(server.configuration)
        let pool = try Sample.pool()
        var leases: [CopyLease] = []
        try await failed(store, try Sample.id(7))
        for number in 1...4 {
            #expect(try await store.claim(try Sample.id(number)) == .claimed)
            if number < 4 { leases.append(try #require(try await store.lease(pools: [pool], worker: "worker", duration: .seconds(15)))) }
        }
        try await present(store, 5...6)
        try await admin.ask("CONFIG", "SET", "maxmemory", "1")

        let before = try await store.totals(of: pool)
        for id in [try Sample.id(50), try Sample.id(7)] {
            let status = try await store.replica(id)
            let refused = try await requireThrows(StateError.self) { _ = try await store.recordPresent(id, Sample.object(id)) }
            #expect(refused.code == .unavailable)
            #expect(refused.message.contains("maxmemory"))
            if status == nil { try await requireThrows(StateError.self) { _ = try await store.claim(id) } }
            #expect(try await store.replica(id) == status)
        }
        #expect(try await store.totals(of: pool) == before)
        // What is known is still said.
        #expect(try await store.claim(try Sample.id(4)) == .exists(Replica(id: try Sample.id(4), status: .pending)))

        _ = try await store.extend(leases[0], duration: .seconds(30))
        try await store.finish(leases[0], .present(Sample.object(leases[0].id)))
        try await store.finish(leases[1], .failed(CopyFailure(reason: .transfer, message: "broken", retryAt: clock.now)))
        try await store.finish(leases[2], .handBack)
        #expect(try await store.lease(pools: [pool], worker: "worker", duration: .seconds(15))?.id == leases[2].id)
        let used = try Sample.id(5)
        #expect(try await store.mark([used, try Sample.id(6)], unusedSince: clock.now).count == 2)
        try await store.touch([ReplicaUse(id: used, at: clock.now + .seconds(1))])
        #expect(try await store.leastRecentlyUsed(in: pool, after: nil, limit: 1).count == 1)
        let removal = try #require(
            try await store.beginRemoval(try Sample.id(6), .unused(since: clock.now), duration: .seconds(300)))
        #expect(try await store.endRemoval(removal))
        #expect(try await store.forgetErrors(before: clock.now + .seconds(60), limit: 9) == 2)
        #expect(try await store.totals(of: pool) == PoolTotals(objects: 2, bytes: 200, pending: 2))

        try await admin.ask("CONFIG", "SET", "maxmemory", "0")
        #expect(try await store.claim(try Sample.id(50)) == .claimed)
        await store.close()
        await admin.close()
    }

    @Test("bytes that are wrong are counted anew, over many pages, while others go on")
    func countsAnew() async throws {
        let place = try await RedisPlace.onServer()
        let (store, other) = (try await place.open(clock), try await place.open(clock))
        let admin = RedisTestClient(place.configuration)
        let pool = try Sample.pool()
        try await present(store, 1_000...3_200, size: 10)
        try await admin.ask("HINCRBY", place.key("counters"), "bytes", "12345")
        try await admin.ask("DEL", place.key(try Sample.id(1_500)))
        async let wrong = store.reconcile(pool)
        for number in stride(from: 1_001, to: 3_200, by: 50) {
            #expect(try await other.beginRemoval(try Sample.id(number)) != nil)
            try await present(other, (number + 10_000)...(number + 10_000), size: 3)
        }
        #expect(try await wrong == 12_345)
        #expect(try await store.reconcile(pool) == 0)
        var bytes: Int64 = 0
        for replica in try await store.listedByUse(in: pool, page: 1_000) {
            if case .present(let object) = replica.status { bytes += object.size }
        }
        let totals = try await store.totals(of: pool)
        #expect(totals.bytes == bytes)
        #expect(totals.objects == 2_200)
        await store.close()
        await other.close()
        await admin.close()
    }

    @Test("the sweep's first look counts anew, once an hour")
    func countsAnewNowAndThen() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let pool = try Sample.pool()
        try await present(store, 1...3)
        func look() async throws -> Int64 {
            try await admin.ask("HSET", place.key("counters"), "bytes", "7")
            _ = try await store.leastRecentlyUsed(in: pool, after: nil, limit: 1)
            return try await store.totals(of: pool).bytes
        }
        #expect(try await look() == 300)
        #expect(try await look() == 7)
        clock.advance(by: .seconds(3_601))
        #expect(try await look() == 300)
        await store.close()
        await admin.close()
    }
}
