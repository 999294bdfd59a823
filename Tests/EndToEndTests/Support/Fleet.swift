import Foundation
import MirrorCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

/// Front ends and copiers that share one Redis and the buckets of their pools, and an origin: each a process of its own, but the origin.
final class Fleet: Sendable {
    let settings: FleetSettings
    let origin: FakeOrigin
    let server: S3Server
    /// By pool.
    let buckets: [String: String]
    let frontEnds: [MirrorProcess]
    let copiers: [MirrorProcess]

    /// Whether tests that need one run: where something is missed they run too, and fail.
    static var isExpected: Bool { S3Server.isExpected && RedisServer.isExpected }

    /// Starts all of it, runs `body`, and ends the processes whatever happens.
    static func run<Result>(
        _ settings: FleetSettings = FleetSettings(), redis: String, isolation: isolated (any Actor)? = #isolation,
        _ body: (Fleet) async throws -> Result
    ) async throws -> Result {
        let server = try S3Server()
        var buckets: [String: String] = [:]
        for pool in settings.pools { buckets[pool] = try await server.makeBucket("fleet") }
        return try await FakeOrigin.run { origin in
            let fleet = try Fleet(settings, origin: origin, server: server, buckets: buckets, redis: redis)
            do {
                // First the copiers, so that a front end finds them there.
                for nodes in [fleet.copiers, fleet.frontEnds] {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for node in nodes { group.addTask { try await node.start() } }
                        try await group.waitForAll()
                    }
                }
                let result = try await body(fleet)
                await fleet.end()
                return result
            } catch {
                await fleet.end()
                for (name, node) in fleet.named { Issue.record("the standard error of \(name) ended with:\n\(node.log.suffix(2_500))") }
                throw error
            }
        }
    }

    private init(_ settings: FleetSettings, origin: FakeOrigin, server: S3Server, buckets: [String: String], redis: String) throws {
        self.settings = settings
        self.origin = origin
        self.server = server
        self.buckets = buckets
        let pools = buckets.map { pool, bucket in "\(pool): \(server.settings(bucket, ", access: presigned"))" }
        let prefix = settings.redisPrefix ?? S3Server.name("test")
        func file(_ redis: String, _ options: String, in directory: TemporaryDirectory) throws -> String {
            try directory.write(
                settings.yaml(
                    origin: origin.url("/"), pools: pools, redis: "url: \"\(redis)\", prefix: \"\(prefix)\"\(options)",
                    stateDirectory: "\(directory.path)/state"),
                to: Self.file)
        }
        frontEnds = try (0..<settings.frontEnds).map { number in
            let directory = try TemporaryDirectory()
            let config = try file(
                settings.redisOfFrontEnd[number] ?? redis, settings.redisOptionsOfFrontEnd[number] ?? settings.redisOptions, in: directory)
            return MirrorProcess(
                ["--config", config] + (settings.isSplit ? ["--no-copiers"] : []), in: directory, token: settings.token)
        }
        copiers = try (0..<settings.copiers).map { _ in
            let directory = try TemporaryDirectory()
            let config = try file(redis, settings.redisOptions, in: directory)
            let pools = settings.pools.joined(separator: ",")
            return MirrorProcess(
                role: "copier", ["--config", config, "--pools", pools, "--listen", "127.0.0.1:0"], in: directory, token: settings.token)
        }
    }

    private static let file = "config.yaml"

    /// `cloud-mirror doctor` with the configuration of a front end.
    func doctor(_ number: Int) async throws -> Command.Result {
        try await Command.run(["doctor", "--config", "\(frontEnds[number].directory.path)/\(Self.file)"])
    }

    /// What the processes have logged.
    var logs: [String] { (frontEnds + copiers).map(\.log) }

    private var named: [(String, MirrorProcess)] {
        frontEnds.enumerated().map { ("front end \($0)", $1) } + copiers.enumerated().map { ("copier \($0)", $1) }
    }

    private func end() async {
        for (name, node) in named {
            do {
                try await node.end(.kill)
            } catch {
                Issue.record("\(name) could not be ended: \(error)")
            }
        }
    }

    // MARK: Artifacts

    /// Gives the origin an artifact of its own bytes.
    @discardableResult
    func publish(_ path: String, size: Int64 = 20_000) -> FakeBehavior {
        let behavior = FakeBehavior.generated(size: size, seed: UInt64(path.utf8.reduce(7) { $0 &* 31 &+ UInt32($1) }))
        origin.on(path, behavior)
        return behavior
    }

    /// New artifacts, present, and known to every front end.
    func makeHot(_ paths: [String], in pool: String? = nil) async throws {
        for path in paths {
            publish(path)
            for number in frontEnds.indices {
                try await eventually("\(path) is a hit") { try await ask(path, of: number, in: pool).answer.outcome == "hit" }
            }
        }
    }

    /// GETs of an artifact that were sent to the origin.
    func fetches(_ path: String) -> Int { origin.requests(for: path).count { $0.method == "GET" } }

    /// Whether an artifact's object is in the pool's bucket, whatever the state says.
    func isStored(_ path: String, in pool: String? = nil) async throws -> Bool {
        try await server.status(ObjectKey(ArtifactURL(origin.url(path))).description, in: try bucket(pool)) == 200
    }

    func bucket(_ pool: String?) throws -> String { try #require(buckets[pool ?? settings.pools[0]]) }

    // MARK: What the nodes say

    func replica(_ path: String, of number: Int = 0, in pool: String? = nil) async throws -> MirrorProcess.ReplicaPage.Item? {
        try await frontEnds[number].replica(origin.url(path), in: pool ?? settings.pools[0])
    }

    func purge(_ path: String, by number: Int, in pool: String? = nil) async throws -> HTTP.Answer {
        try await frontEnds[number].admin(.DELETE, "/v1/purge/\(pool ?? settings.pools[0])/\(PercentCoding.encode(origin.url(path)))")
    }

    /// Copies that a node has brought to a good end.
    func copies(of node: MirrorProcess, in pool: String? = nil) async throws -> Int {
        Int(try await node.metric("cloud_mirror_copies_total", "result=\"present\"", "pool=\"\(pool ?? settings.pools[0])\"") ?? 0)
    }

    /// Checks how many copies nodes have made together: once they have counted as many, because a copy is counted after those who wait for it are woken.
    func expectCopies(_ count: Int, by nodes: [MirrorProcess]) async throws {
        func sum() async throws -> Int {
            var sum = 0
            for node in nodes { sum += try await copies(of: node) }
            return sum
        }
        try await eventually("\(count) copies are counted") { try await sum() >= count }
        #expect(try await sum() == count)
    }

    /// Copies of a pool that a node has under way.
    func copiesUnderWay(of node: MirrorProcess, in pool: String? = nil) async throws -> Int {
        Int(try await node.metric("cloud_mirror_copies_in_progress", "pool=\"\(pool ?? settings.pools[0])\"") ?? 0)
    }

    /// The copier that is just copying, as soon as there is one.
    func busyCopier() async throws -> Int {
        try await eventually("a copier copies") {
            for (number, copier) in copiers.enumerated() {
                if try await copiesUnderWay(of: copier) == 1 { return number }
            }
            return nil
        }
    }

    struct Readiness: Decodable {
        let status: String
    }

    /// The status and the word that a front end's `/readyz` answers with.
    func readiness(of number: Int) async throws -> (code: Int, word: String) {
        let answer = try await frontEnds[number].send(.GET, "/readyz")
        return (answer.status, try answer.json(Readiness.self).status)
    }

    /// Returns once every front end says so. What it says may be five seconds old.
    func ready(_ word: String = "ok", within limit: Duration = .seconds(15)) async throws {
        for number in frontEnds.indices {
            try await eventually("front end \(number) is \(word)", within: limit) {
                try await readiness(of: number).word == word
            }
        }
    }

    private struct PoolList: Decodable {
        let pools: [Item]

        struct Item: Decodable {
            let pool: String
            let objects: Int
            let bytes: Int64
            let pending: Int
        }
    }

    /// Nothing stays pending: no longer than a lease and what a copy takes. Then the totals are those of the replicas.
    func settles(of number: Int = 0, countsTotals: Bool = true, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let node = frontEnds[number]
        for pool in settings.pools {
            let replicas = try await eventually("nothing is pending in \(pool)", within: settings.leaseDuration + .seconds(5)) {
                let answer = try await node.admin(.GET, "/v1/replicas?pool=\(pool)&limit=1000")
                guard answer.status == 200 else { return [MirrorProcess.ReplicaPage.Item]?.none }
                let page = try answer.json(MirrorProcess.ReplicaPage.self).replicas
                return page.contains { $0.state == "pending" } ? nil : page
            }
            guard countsTotals else { continue }
            let answer = try await node.admin(.GET, "/v1/pools")
            let totals = try #require(try answer.json(PoolList.self).pools.first { $0.pool == pool })
            let present = replicas.filter { $0.state == "present" }
            #expect(totals.pending == 0, "\(pool)", sourceLocation: sourceLocation)
            #expect(totals.objects == present.count, "\(pool)", sourceLocation: sourceLocation)
            #expect(totals.bytes == present.reduce(0) { $0 + ($1.size ?? 0) }, "\(pool)", sourceLocation: sourceLocation)
        }
    }
}
