import MirrorCore
import MirrorEngine
import MirrorState
import NIOCore
import Testing

@testable import MirrorServer

@Suite struct FastPathTableTests {
    private let index = HotIndex(MemoryStateStore())
    private let metrics = EngineMetrics(pools: [], factory: MetricsRegistry())

    /// - Parameter notAfter: Milliseconds of the time of day, which begins at 0.
    private func entry(
        _ number: Int, target: String? = nil, choice: PoolChoice = .named, notAfter: Int64? = nil
    ) throws -> FastPathTable.Entry {
        let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(number)"), pool: try require(World.pool))
        return FastPathTable.Entry(
            target: Array((target ?? "/v1/redirect/\(number)").utf8), choice: choice, head: Array("head \(number)".utf8),
            body: Array("body".utf8), id: id, size: 1, hits: metrics[pool: nil].hits, egressAvoided: metrics[pool: nil].egressAvoided,
            notAfter: notAfter.map { Timestamp(milliseconds: $0) }, at: (Timestamp(milliseconds: 0), Self.start),
            lastUsed: Timestamp(milliseconds: 0))
    }

    /// - Parameters:
    ///   - now: Milliseconds of the time of day.
    ///   - passed: Milliseconds since the start, as many unless it is given.
    ///   - choice: The pool of the client, if the target names none.
    private func find(
        _ table: FastPathTable, _ target: String, at now: Int64 = 0, passed: Int64? = nil, choice: PoolChoice? = .origin
    ) -> FastPathTable.Entry? {
        let now = (time: Timestamp(milliseconds: now), instant: Self.start + .milliseconds(passed ?? now))
        switch Array(target.utf8).withUnsafeBytes({ table.find($0, at: now, choose: { choice }) }) {
        case .entry(let entry): return entry
        case .nothing(let chosen):
            #expect(chosen == choice)
            return nil
        }
    }

    private static let start = NIODeadline.uptimeNanoseconds(1 << 40)

    @Test func `an answer whose location ends is given until its time is over`() throws {
        let table = FastPathTable()
        table.insert(try entry(1, notAfter: 1_000), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/1", at: 999) != nil)
        #expect(find(table, "/v1/redirect/1", at: 1_000) == nil)
        table.insert(try entry(1, notAfter: 2_000), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/1", at: 1_000) != nil)
        #expect(table.count == 1)
    }

    @Test func `an answer whose location ends is not given for longer because the time of day was set back`() throws {
        let table = FastPathTable()
        table.insert(try entry(1, notAfter: 1_000), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/1", at: -3_600_000, passed: 999) != nil)
        #expect(find(table, "/v1/redirect/1", at: -3_600_000, passed: 1_000) == nil)
        #expect(find(table, "/v1/redirect/1", at: 3_600_000, passed: 1) == nil)
    }

    @Test func `an entry is found by the exact bytes of its target`() throws {
        let table = FastPathTable()
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/1")?.head == Array("head 1".utf8))
        for other in ["/v1/redirect/", "/v1/redirect/2", "/v1/redirect/11", "/V1/redirect/1", ""] { #expect(find(table, other) == nil) }
        table.insert(try entry(2, target: "/v1/redirect/1"), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/1")?.head == Array("head 2".utf8))
        #expect(table.count == 1)
    }

    @Test func `an entry for a chosen pool is found by clients of that pool only`() throws {
        let table = FastPathTable()
        for (number, choice) in [PoolChoice.chosen(0, .network), .chosen(1, .network), .chosen(2, .network)].enumerated() {
            let made = try entry(number, target: "/a", choice: choice)
            table.insert(made, token: index.token(), hotIndex: index, epoch: table.epoch)
        }
        #expect(table.count == 3)
        for number in 0...2 { #expect(find(table, "/a", choice: .chosen(number, .network))?.head == Array("head \(number)".utf8)) }
        for other in [PoolChoice.chosen(3, .network), .origin, .named, nil] { #expect(find(table, "/a", choice: other) == nil) }
        table.invalidate(.replica(try entry(1).id))
        #expect(find(table, "/a", choice: .chosen(1, .network)) == nil)
        #expect(find(table, "/a", choice: .chosen(2, .network)) != nil)
    }

    @Test func `an entry whose target names the pool is found without a choice`() throws {
        let table = FastPathTable()
        table.insert(try entry(1, target: "/a"), token: index.token(), hotIndex: index, epoch: table.epoch)
        let now = (time: Timestamp(milliseconds: 0), instant: Self.start)
        var choices = 0
        for target in ["/a", "/b"] {
            _ = Array(target.utf8).withUnsafeBytes { bytes in
                table.find(bytes, at: now) {
                    choices += 1
                    return .chosen(0, .network)
                }
            }
        }
        #expect(choices == 1)
        for choice in [PoolChoice.chosen(0, .network), .origin, nil] { #expect(find(table, "/a", choice: choice) != nil) }
    }

    @Test func `an entry is not taken when something was invalidated since its token`() async throws {
        let table = FastPathTable()
        let old = index.token()
        // Whatever is invalidated, not only this replica.
        _ = try await index.beginRemoval(try entry(9).id)
        table.insert(try entry(1), token: old, hotIndex: index, epoch: table.epoch)
        #expect(table.count == 0)
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(table.count == 1)
    }

    @Test func `what was made by settings that have changed since is neither kept nor taken`() throws {
        let table = FastPathTable()
        let old = table.epoch
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: old)
        table.beginEpoch()
        #expect(table.count == 0)
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: old)
        #expect(table.count == 0)
        table.invalidate(.everything)
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: old)
        #expect(table.count == 0)
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(table.count == 1)
    }

    @Test func `a replica's entries go with it, whatever their targets, and the others stay`() throws {
        let table = FastPathTable()
        for target in ["/a", "/b", "/c"] {
            table.insert(try entry(1, target: target), token: index.token(), hotIndex: index, epoch: table.epoch)
        }
        table.insert(try entry(2), token: index.token(), hotIndex: index, epoch: table.epoch)
        table.invalidate(.replica(try entry(1).id))
        #expect(table.count == 1)
        #expect(find(table, "/b") == nil)
        #expect(find(table, "/v1/redirect/2") != nil)
        table.invalidate(.everything)
        #expect(table.count == 0)
    }

    @Test func `a target that changes hands goes with its new replica only`() throws {
        let table = FastPathTable()
        table.insert(try entry(1, target: "/a"), token: index.token(), hotIndex: index, epoch: table.epoch)
        table.insert(try entry(2, target: "/a"), token: index.token(), hotIndex: index, epoch: table.epoch)
        table.invalidate(.replica(try entry(1).id))
        #expect(find(table, "/a")?.head == Array("head 2".utf8))
        table.invalidate(.replica(try entry(2).id))
        #expect(find(table, "/a") == nil)
    }

    @Test func `the table stays within its bytes however much is put in, and the newest is there`() throws {
        let table = FastPathTable(maxBytes: 64 << 10)
        for number in 0..<5_000 {
            table.insert(try entry(number), token: index.token(), hotIndex: index, epoch: table.epoch)
            #expect(find(table, "/v1/redirect/\(number)") != nil)
            // Each entry counts for more than 512 bytes.
            #expect(table.count <= 128)
        }
        #expect(table.count > 64)
        // What went is not counted any more: the same fits again.
        table.invalidate(.everything)
        for number in 0..<5_000 { table.insert(try entry(number), token: index.token(), hotIndex: index, epoch: table.epoch) }
        #expect((65...128).contains(table.count))
        for number in 0..<5_000 { table.invalidate(.replica(try entry(number).id)) }
        #expect(table.count == 0)
        for number in 0..<5_000 { table.insert(try entry(number), token: index.token(), hotIndex: index, epoch: table.epoch) }
        #expect((65...128).contains(table.count))
    }

    @Test func `however many targets one replica has, the table stays within its bytes, and all of them go with it`() throws {
        let table = FastPathTable(maxBytes: 64 << 10)
        for _ in 1...2 {
            for number in 0..<5_000 {
                table.insert(try entry(1, target: "/\(number)"), token: index.token(), hotIndex: index, epoch: table.epoch)
                #expect(find(table, "/\(number)") != nil)
                #expect(table.count <= 128)
            }
            #expect(table.count > 64)
            table.invalidate(.replica(try entry(1).id))
            #expect(table.count == 0)
        }
    }

    @Test func `an entry that is larger than the table is not taken and harms nothing`() throws {
        let table = FastPathTable(maxBytes: 1_000)
        table.insert(try entry(1), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(table.count == 1)
        table.insert(
            try entry(2, target: "/" + String(repeating: "x", count: 1_000)), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(table.count <= 1)
        table.insert(try entry(3), token: index.token(), hotIndex: index, epoch: table.epoch)
        #expect(find(table, "/v1/redirect/3") != nil)
    }
}
