import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: leases in passing", .timeLimit(.minutes(1)))
struct LeaseDeskTests {
    private let clock = ManualClock()
    private let pool: PoolID
    private let state: ScriptedStateStore
    private let slots: CopySlots
    private let desk = LeaseDesk()

    init() throws {
        pool = try #require(PoolID("local/dev"))
        state = ScriptedStateStore(MemoryStateStore(clock: clock))
        slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 2), credit: OriginCredit(clock: clock))
        desk.open(LeaseDesk.Workers(slots: slots, name: "worker", lease: .seconds(15), clock: clock, wake: Signal()))
        desk.note(LeaseDesk.Duty(pools: [pool], validUntil: nil))
    }

    private func id(_ number: Int) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(number).bin"), pool: pool)
    }

    private func object(_ id: ReplicaID) -> StoredObject {
        StoredObject(key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
    }

    @Test("A cold copy costs one claim and one end in the state: no other call leases, and the lease is confirmed without a write")
    func coldCopy() async throws {
        try await EngineFixture.run({ $0.sharesDesk = true }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            engine.origin.on("/b.bin", .generated(size: 1_000))
            try await eventually("the workers rest") { engine.desk.isResting }
            let leases = engine.base.count(.lease)
            for path in ["/a.bin", "/b.bin"] {
                #expect(try await engine.ask(path).outcome == .wait)
                try await eventually("the workers rest again") { engine.desk.isResting }
            }
            #expect(engine.base.count(.claim) == 2)
            #expect(engine.base.count(.finish) == 2)
            #expect(engine.base.count(.confirmLease) == 2)
            #expect(engine.base.count(.extend) == 0)
            #expect(engine.base.count(.lease) == leases)
        }
    }

    @Test("Many requests at once are copied within the slots, each once, and an origin has no more than its share")
    func keepsShares() async throws {
        try await EngineFixture.run({
            $0.sharesDesk = true
            $0.copy.concurrency = 4
            $0.copy.maxPerOrigin = 2
        }) { engine async throws in
            for number in 0..<40 { engine.origin.on("/\(number).bin", .generated(size: 1_000)) }
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<40 { group.addTask { try await engine.ask("/\(number).bin") } }
                for try await answer in group { #expect(answer.size == 1_000) }
            }
            #expect(engine.origin.requests.count == 40)
            #expect(engine.origin.maxActiveRequests <= 2)
            #expect(engine.base.count(.finish) == 40)
        }
    }

    @Test("A copy that ends leases the next job for its slot")
    func leasesNext() async throws {
        for number in 1...3 { #expect(try await state.claim(try id(number)) == .claimed) }
        for number in 1...2 {
            let lease = try #require(try await state.lease(pools: [pool], worker: "worker", duration: .seconds(15)))
            #expect(lease.id == (try id(number)))
            let copy = slots.begin(lease, CopyProgress(clock: clock))
            guard number == 2 else { continue }
            #expect(slots.turn == .full)
            try await desk.finish(copy, .present(object(lease.id)), in: state)
        }
        #expect(desk.takeErrands().copies.map(\.lease.id) == [try id(3)])
        // It has the slot already.
        #expect(slots.turn == .full)
    }

    @Test("While the workers are not at rest, a claim leases nothing")
    func notResting() async throws {
        #expect(try await desk.claim(try id(1), in: state) == .claimed)
        #expect(desk.takeErrands().copies.isEmpty)
        desk.rest()
        // The older job.
        #expect(try await desk.claim(try id(2), in: state) == .claimed)
        #expect(desk.takeErrands().copies.map(\.lease.id) == [try id(1)])
    }

    @Test("Copies that were leased in passing are given out once, before the workers' turn or in it")
    func givenOutOnce() async throws {
        desk.rest()
        #expect(try await desk.claim(try id(1), in: state) == .claimed)
        #expect(desk.takeCopies().map(\.lease.id) == [try id(1)])
        #expect(desk.takeErrands().copies.isEmpty)
        // Nobody has told it that the workers are busy.
        #expect(try await desk.claim(try id(2), in: state) == .claimed)
        #expect(desk.takeErrands().copies.map(\.lease.id) == [try id(2)])
        #expect(desk.takeCopies().isEmpty)
    }

    @Test("A job that is leased while the workers end is handed back, and its attempt does not count")
    func handsBack() async throws {
        desk.rest()
        state.before(.claim) { [desk] in _ = desk.close() }
        #expect(try await desk.claim(try id(1), in: state) == .claimed)
        #expect(state.results == [.handBack])
        #expect(try await state.lease(pools: [pool], worker: "next", duration: .seconds(15))?.attempt == 1)
    }

    @Test("After a claim that fails the workers look for its job, because it may have been made")
    func failedClaim() async throws {
        let wake = Signal()
        desk.open(LeaseDesk.Workers(slots: slots, name: "worker", lease: .seconds(15), clock: clock, wake: wake))
        desk.rest()
        state.after(.claim) { throw StateError(.unavailable, "scripted") }
        await #expect(throws: StateError.self) { try await desk.claim(try id(1), in: state) }
        await wake.wait(upTo: nil, clock: clock)
        #expect(desk.takeErrands().found == nil)
        state.heal()
        desk.rest()
        #expect(try await desk.claim(try id(2), in: state) == .claimed)
    }
}
