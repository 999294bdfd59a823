import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: an object is there already", .timeLimit(.minutes(1)))
struct CopyAdoptionTests {
    private static let bytes = FakeBody.generated(size: 1_000, seed: 1).bytes(0..<1_000)
    private static let otherBytes = FakeBody.generated(size: 1_000, seed: 2).bytes(0..<1_000)

    @Test("A purge during another process' publication is not undone by the next copy, which replaces what is published late")
    func purgedWhilePublishing() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            engine.origin.on("/a.bin") { .generated(size: 1_000, seed: UInt64($0.number)) }
            let id = try engine.id("/a.bin")
            let door = Door()
            engine.store.before(.complete) { [store = engine.store] in
                if store.count(.complete) == 1 { return try await door.pass() }
                door.open()
                try await store.ended(.complete, 1)
            }
            try await engine.running(engine.makeWorkers("slow", publications: PublicationLock()) { $0.concurrency = 1 }) {
                () async throws in
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await door.waiting()
                // It finds no object yet.
                #expect(try await engine.base.remove(id))
                try await engine.running(engine.makeWorkers("other", publications: PublicationLock())) { () async throws in
                    #expect(try await engine.ask("/a.bin").outcome == .wait)
                }
            }
            let (info, bytes) = try await engine.read("/a.bin")
            #expect(bytes == FakeBody.generated(size: 1_000, seed: 3).bytes(0..<1_000))
            #expect(try await engine.object("/a.bin").sha256 == info.metadata.sha256)
            #expect(engine.origin.requests.count == 3)
        }
    }

    /// What the pool has when the copy is to be published.
    struct Found: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Before the copy was asked for.
        let age: Duration
        var hasSameBytes = true
        var isTaken = false

        static let all = [
            Found(testDescription: "the same bytes, stored a moment ago: by an attempt that was not recorded", age: .zero, isTaken: true),
            Found(testDescription: "the same bytes, stored by a clock that is some seconds behind", age: .seconds(5), isTaken: true),
            Found(testDescription: "the same bytes from before: a service may still delete them", age: .seconds(60)),
            Found(testDescription: "the same bytes, stored at a time to come", age: .seconds(-3_600)),
            Found(testDescription: "other bytes, stored a moment ago", age: .zero, hasSameBytes: false),
            Found(testDescription: "other bytes, stored by a clock that is some seconds ahead", age: .seconds(-5), hasSameBytes: false),
            Found(testDescription: "other bytes from before", age: .seconds(60), hasSameBytes: false),
        ]
    }

    @Test("What was stored since the copy was asked for becomes the replica; what may be from before is replaced", arguments: Found.all)
    func found(_ found: Found) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000, seed: 1))
            let stored = engine.setup.clock.now - found.age
            engine.store.before(.complete) {
                try await engine.put("/a.bin", found.hasSameBytes ? Self.bytes : Self.otherBytes, stored: stored)
            }
            #expect(try await engine.ask("/a.bin").outcome == .wait)
            let object = try await engine.object("/a.bin")
            #expect((object.storedAt == stored) == found.isTaken)
            #expect(object == (try await engine.pooled("/a.bin").with(lastUsed: object.lastUsed)))
            #expect(try await engine.read("/a.bin").bytes == Self.bytes)
            #expect(engine.origin.requests.count == (found.isTaken ? 1 : 2))
            #expect(engine.store.count(.complete) == (found.isTaken ? 1 : 2))
        }
    }

    @Test("What somebody else published well after the copy was asked for is taken as it is")
    func publishedSince() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.store = MemoryStore(clock: clock)
        }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000, seed: 1))
            engine.store.before(.complete) {
                // Within the lease, and beyond what clocks may differ by.
                clock.advance(by: .seconds(12))
                try await engine.put("/a.bin", Self.otherBytes)
            }
            #expect(try await engine.ask("/a.bin").outcome == .wait)
            #expect(try await engine.read("/a.bin").bytes == Self.otherBytes)
            #expect(try await engine.object("/a.bin").sha256 == (try FakeBody.bytes(Self.otherBytes).sha256))
            #expect(engine.store.count(.abort) == 1)
        }
    }
}

extension StoredObject {
    fileprivate func with(lastUsed: Timestamp) -> StoredObject {
        var object = self
        object.lastUsed = lastUsed
        return object
    }
}
