import MirrorCore
import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

/// Records and keys that were not written by this version of the program.
@Suite("The Redis state store and what others wrote", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisRecordTests {
    private let clock = ManualClock()

    @Test("fields that a newer version added are left aside, and kept by uses and marks")
    func ignoresUnknownFields() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        let replica = try await store.recordPresent(id, Sample.object(id))
        try await admin.ask("HSET", place.key(id), "colour", "green")
        #expect(try await store.replica(id) == replica)
        #expect(try await store.mark([id], unusedSince: clock.now) == [id])
        try await store.touch([ReplicaUse(id: id, at: clock.now + .seconds(1))])
        #expect(try await admin.ask("HGET", place.key(id), "colour").string == "green")
        #expect(try await store.replicas(in: nil, after: nil, limit: 9).map(\.id) == [id])
        await store.close()
        await admin.close()
    }

    @Test(
        "a record that cannot be read is corrupt, never a crash, and a purge removes it",
        arguments: [
            ["HSET", "status", "purple"], ["HDEL", "status"], ["HSET", "size", "many"], ["HDEL", "size"],
            ["HSET", "size", "9223372036854775807"], ["HSET", "size", "-1"], ["HSET", "stored_at", "99999999999999999999"],
        ])
    func refusesDamagedRecords(_ damage: [String]) async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        _ = try await store.recordPresent(id, Sample.object(id))
        try await admin.ask([damage[0], place.key(id)] + damage.dropFirst())
        let error = try await requireThrows(StateError.self) { _ = try await store.replica(id) }
        #expect(error.code == .corrupt)
        #expect(error.message.contains("delete the key"))
        try await store.touch([ReplicaUse(id: id, at: clock.now)])
        #expect(try await store.remove(id))
        #expect(try await store.replica(id) == nil)
        #expect(try await store.totals(of: id.pool) == PoolTotals())
        await store.close()
        await admin.close()
    }

    @Test("a failure whose reason only a newer version knows is a failure")
    func readsUnknownReasons() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        let failure = CopyFailure(reason: .tooLarge, message: "no", retryAt: clock.now + .seconds(30))
        try await store.finish(lease, .failed(failure))
        try await admin.ask("HSET", place.key(id), "reason", "a word of theirs")
        let expected = CopyFailure(reason: .transfer, message: "no", retryAt: failure.retryAt)
        #expect(try await store.replica(id) == Replica(id: id, status: .error(expected)))
        await store.close()
        await admin.close()
    }

    @Test(
        "what cannot be read keeps nobody from the rest of a listing", arguments: [1, 2, 3, 100])
    func listsTheRest(_ page: Int) async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let pool = try Sample.pool()
        var ids: [ReplicaID] = []
        for number in 1...12 {
            let id = try Sample.id(number)
            ids.append(id)
            _ = try await store.recordPresent(id, Sample.object(id, at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(number))))
        }
        try await admin.ask("HDEL", place.key(ids[0]), "size")
        try await admin.ask("HSET", place.key(ids[4]), "size", "nan")
        try await admin.ask("DEL", place.key(ids[6]))
        try await admin.ask("SET", place.key(ids[6]), "mine")
        try await admin.ask("HDEL", place.key(ids[11]), "stored_at")
        // Uses are not in the record: this says nothing.
        try await admin.ask("HSET", place.key(ids[2]), "last_used", "1700000000500")
        let readable = ids.indices.filter { ![0, 4, 6, 11].contains($0) }.map { ids[$0] }
        #expect(try await store.listedByUse(in: pool, page: page).map(\.id) == readable)
        let byName = try await store.listedByName(in: pool, page: page).map(\.id)
        #expect(Set(byName) == Set(readable) && byName.count == readable.count)
        await store.close()
        await admin.close()
    }

    @Test("a removal whose artifact cannot be read keeps nobody from ending the others")
    func listsTheOtherRemovals() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let ids = [try Sample.id(1), try Sample.id(2)]
        for id in ids {
            let removal = try #require(try await store.beginRemoval(id))
            try await store.handBack(removal)
        }
        // A name that this version would write in another way.
        try await admin.ask("HSET", place.key(ids[0]), "u1", "HTTPS://artifacts.example.org/builds/1.tar.bz2")
        let found = try await store.abandonedRemovals(in: ids[0].pool, limit: 9)
        #expect(found == [ids[1]])
        await store.close()
        await admin.close()
    }

    @Test("a key of another type is corrupt, and the message says what to do")
    func refusesForeignKeys() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        try await admin.ask("SET", place.key(id), "mine")
        let read = try await requireThrows(StateError.self) { _ = try await store.replica(id) }
        let claim = try await requireThrows(StateError.self) { _ = try await store.claim(id) }
        #expect([read.code, claim.code] == [.corrupt, .corrupt])
        #expect(try await store.totals(of: id.pool) == PoolTotals())
        await store.close()
        await admin.close()
    }

    @Test("what another version keeps under its own number is not touched")
    func leavesOtherVersionsAlone() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        let theirs = place.key(id).replacing(":2:{", with: ":1:{")
        let counters = place.key("counters").replacing(":2:{", with: ":1:{")
        try await admin.ask("HSET", theirs, "status", "a word of theirs")
        try await admin.ask("HSET", counters, "number", "7")
        #expect(try await store.replica(id) == nil)
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        try await store.finish(lease, .failed(CopyFailure(reason: .transfer, message: "it failed", retryAt: clock.now)))
        _ = try await store.recordPresent(id, Sample.object(id))
        try await store.reconcile(id.pool)
        #expect(try await store.remove(id))
        #expect(try await admin.ask("HGETALL", theirs).array?.compactMap(\.string) == ["status", "a word of theirs"])
        #expect(try await admin.ask("HGETALL", counters).array?.compactMap(\.string) == ["number", "7"])
        let all = try await admin.ask("KEYS", "\(place.prefix)*").array?.compactMap(\.string) ?? []
        #expect(all.allSatisfy { $0.hasPrefix("\(place.prefix):2:{") || [theirs, counters].contains($0) })
        await store.close()
        await admin.close()
    }
}
