import HTTPTypes
import MirrorCore
import MirrorState
import MirrorStorage
import NIOCore
import NIOPosix
import Testing

@testable import MirrorEngine
@testable import MirrorServer

@Suite struct FastPathTableTests {
    private let index = HotIndex(MemoryStateStore())
    private let registry = MetricsRegistry()
    private let table: FastPathTable

    init() {
        table = FastPathTable(index: index, forms: AnswerForms(status: .found, registry: registry))
    }

    private static let start = NIODeadline.now()

    private func redirect(_ number: Int, location: String? = nil, notAfter: Int64? = nil) throws -> ReplicaRedirect {
        let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(number).txt"), pool: try require(World.pool))
        let object = StoredObject(
            key: ObjectKey(id.artifact), size: Int64(number), sha256: Digest(.sha256, bytes: [UInt8](repeating: 7, count: 32)),
            storedAt: Timestamp(milliseconds: 0), lastUsed: Timestamp(milliseconds: 0))
        let end = notAfter.map { Timestamp(milliseconds: $0) }
        return ReplicaRedirect(
            id: id, outcome: .hit, object: object,
            location: ObjectLocation(url: location ?? "https://pool.example/\(object.key.percentEncoded)", expires: end), notAfter: end,
            token: index.token(of: id))
    }

    private func remember(
        _ redirect: ReplicaRedirect, _ target: String, _ choice: PoolChoice = .named, epoch: Int? = nil, at now: Int64 = 0
    ) {
        table.remember(
            redirect, location: redirect.location.url, to: Array(target.utf8), choice, epoch: epoch ?? table.epoch,
            at: Timestamp(milliseconds: now))
    }

    /// The size of the object that is found.
    ///
    /// - Parameters:
    ///   - now: Milliseconds of the time of day.
    ///   - passed: Milliseconds since the start, as many unless it is given.
    private func find(_ target: String, _ choice: PoolChoice = .named, at now: Int64 = 0, passed: Int64? = nil) -> Int64? {
        let instant = Self.start + .milliseconds(passed ?? now)
        var size: Int64?
        // Below /o/ the header fields of an answer to HEAD are others.
        let isNamed = target.hasPrefix("/o/")
        _ = Array(target.utf8).withUnsafeBytes { target in
            table.find(HotTarget(target), choice, at: Timestamp(milliseconds: now), instant: instant) { record, _ in
                size = record.size
                #expect(record.answersHead == (record.end == nil && !isNamed))
                return true
            }
        }
        return size
    }

    @Test func `an answer whose location ends is given until its time is over, and to HEAD not at all`() throws {
        remember(try redirect(1, notAfter: 10_000), "/v1/redirect/1")
        #expect(find("/v1/redirect/1", at: 9_999, passed: 0) == 1)
        #expect(find("/v1/redirect/1", at: 10_000, passed: 0) == nil)
        remember(try redirect(1, notAfter: 20_000), "/v1/redirect/1")
        #expect(find("/v1/redirect/1", at: 10_000, passed: 0) == 1)
        #expect(index.count == 1)
    }

    @Test func `an answer whose location ends is not given for longer because the time of day was set back`() throws {
        remember(try redirect(1, notAfter: 3_600_000), "/v1/redirect/1")
        #expect(find("/v1/redirect/1", at: -3_600_000, passed: 3_599_000) == 1)
        // Far more than the test may have taken until it was remembered.
        #expect(find("/v1/redirect/1", at: -3_600_000, passed: 7_200_000) == nil)
        #expect(find("/v1/redirect/1", at: 3_600_000, passed: 1) == nil)
    }

    @Test func `an answer is found by the exact bytes of its target`() throws {
        remember(try redirect(1), "/v1/redirect/1")
        #expect(find("/v1/redirect/1") == 1)
        for other in ["/v1/redirect/", "/v1/redirect/2", "/v1/redirect/11", "/V1/redirect/1", "/v1/redirec", "1", ""] {
            #expect(find(other) == nil, "\(other)")
        }
        remember(try redirect(2), "/v1/redirect/1")
        #expect(find("/v1/redirect/1") == 2)
    }

    @Test func `an answer for a chosen pool is found by clients of that pool for that reason only`() throws {
        let choices = [
            PoolChoice.named, .chosen(0, .network), .chosen(1, .network), .chosen(0, .region), .chosen(0, .nearest), .chosen(0, .fallback),
            .chosen(0, .named),
        ]
        for (number, choice) in choices.enumerated() { remember(try redirect(number), "/v1/redirect/a", choice) }
        for (number, choice) in choices.enumerated() { #expect(find("/v1/redirect/a", choice) == Int64(number)) }
        for other in [PoolChoice.chosen(3, .network), .origin] { #expect(find("/v1/redirect/a", other) == nil) }
    }

    @Test func `a target outside the route is not the one with the same rest in it`() throws {
        remember(try redirect(1), "/v1/redirect//o/a")
        remember(try redirect(2), "/o/a")
        #expect(find("/v1/redirect//o/a") == 1)
        #expect(find("/o/a") == 2)
    }

    @Test func `what was made by settings that have changed since is neither given nor taken`() throws {
        let old = table.epoch
        remember(try redirect(1), "/v1/redirect/1", epoch: old)
        #expect(find("/v1/redirect/1") == 1)
        table.beginEpoch()
        #expect(find("/v1/redirect/1") == nil)
        remember(try redirect(1), "/v1/redirect/1", epoch: old)
        #expect(find("/v1/redirect/1") == nil)
        remember(try redirect(1), "/v1/redirect/1")
        #expect(find("/v1/redirect/1") == 1)
        // As often as the records' numbers are different.
        for _ in 1...65_536 { table.beginEpoch() }
        #expect(find("/v1/redirect/1") == nil)
    }

    @Test func `an answer is not taken when its replica was invalidated since the token, and goes when it is`() async throws {
        let old = try redirect(1)
        _ = try await index.beginRemoval(old.id)
        remember(old, "/v1/redirect/1")
        #expect(find("/v1/redirect/1") == nil)
        remember(try redirect(1), "/v1/redirect/1")
        remember(try redirect(1), "/v1/redirect/%31")
        remember(try redirect(2), "/v1/redirect/2")
        #expect(find("/v1/redirect/1") == 1)
        _ = try await index.beginRemoval(old.id, .none, duration: .seconds(1))
        index.invalidateAll()
        for target in ["/v1/redirect/1", "/v1/redirect/%31", "/v1/redirect/2"] { #expect(find(target) == nil) }
    }

    @Test func `what cannot be composed is not remembered`() throws {
        let key = try redirect(1).object.key
        for location in [
            "https://pool.example/elsewhere", "", "https://pool.example/\(key.percentEncoded)?a=\"", "https://pool.example/\(key.hash)",
            "https://pool.example/\(key.percentEncoded)\\", "https://pool.example/ü/\(key.percentEncoded)",
            "https://pool.example/ /\(key.percentEncoded)",
        ] {
            remember(try redirect(1, location: location), "/v1/redirect/1")
            #expect(find("/v1/redirect/1") == nil, "\(location)")
        }
        var marked = try redirect(1).object
        marked.markedAt = Timestamp(milliseconds: 0)
        let (id, token) = (try redirect(1).id, try redirect(1).token)
        remember(
            ReplicaRedirect(
                id: id, outcome: .hit, object: marked, location: ObjectLocation(url: "/local/dev/\(key.percentEncoded)"), notAfter: nil,
                token: token),
            "/v1/redirect/1")
        #expect(find("/v1/redirect/1") == nil)
        #expect(index.count == 0)
    }
}
