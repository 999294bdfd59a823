import Logging
import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import NamedOrigins
import TestServers
import Testing

@testable import MirrorEngine

/// The engine's real parts put together as the service does it, around a scripted origin: one pool, in memory, unless a test says otherwise.
struct EngineFixture: Sendable {
    struct Setup: Sendable {
        var clock: any MirrorClock = SystemClock()
        /// What budgets are refilled by, where that is another.
        var budgetClock: (any MonotonicClock)?
        var store: any ObjectStore = MemoryStore()
        /// Instead of the store's own.
        var features: StoreCapabilities.Features?
        /// Pools beside the one that tests ask for, by name.
        var otherPools: [String: any ObjectStore] = [:]
        /// Under the hot index and the script; a new one in memory unless it is given.
        var state: (any StateStore)?
        var maxQueued = 10_000
        /// Hundreds of tests at the same time may take a processor for longer than a request bears.
        var redirect = RedirectConfiguration(
            maxWait: .seconds(600), waitLimit: .seconds(600), lookLimit: .seconds(60), leastLook: .seconds(60))
        /// Failures stay remembered, and what is tried again is tried soon.
        var copy = CopyConfiguration(
            partSize: 64 << 10, maxAttempts: 3, backoff: Backoff(first: .milliseconds(1), limit: .milliseconds(1)))
        var negativeLife: Duration = .seconds(600)
        var timeToLive: Duration = .seconds(86_400)
        var maxBytes: Int64?
        var maxReplicas = 1_000_000
        var grace: Duration = .seconds(60)
        var policy = RetentionConfiguration.Policy.ttl
        /// Has the prices; nobody knows them without.
        var learned: LearnedRetention?
        /// Learns from uses.
        var activity: ActivityRecorder?
        /// The policy `cost`; without it all replicas have a time to live.
        var costs: (any RetentionPolicy)?
        var coarseness: Duration = .seconds(60)
        var outbound = OutboundConfiguration()
        var requireHTTPS = false
        /// Beside the origin's own.
        var allowedHosts: [String] = []
        /// Of a named origin, to which everything on the origin's server belongs.
        var rules: [OriginRule] = []
        var resolver = FixedResolver()
        var buckets: [any BucketOrigin] = []
        /// What the pool's service copies from by itself.
        var bucket: FakeBucket?
        /// What the pool's service fetches by itself.
        var fetch: ScriptedStore.Fetch?
        /// Without them claimed replicas stay pending.
        var hasWorkers = true
        /// Whether requests lease jobs in passing, as they do in the service.
        var sharesDesk = false
        /// Of the workers.
        var logger = EngineFixture.logger
    }

    let setup: Setup
    let origin: FakeOrigin
    let pool: Pool
    let pools: PoolTable
    let store: ScriptedStore
    /// What the hot index asks.
    let base: ScriptedStateStore
    let state: HotIndex
    let origins: OriginTable
    let waiters: ReplicaWaiters
    let uses: UseRecorder
    let health: PoolHealth
    let presence: PresenceCheck
    let publications = PublicationLock()
    let desk = LeaseDesk()
    let remover: ReplicaRemover
    let space: PoolSpace
    let redirects: RedirectService
    let sweeper: Sweeper
    let counters = CountingMetrics()
    let metrics: EngineMetrics
    private let outbound: GuardedClient

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Without workers, and with a state that the test can change behind the engine's back.
    static func runInMemory(
        isolation: isolated (any Actor)? = #isolation, _ body: (EngineFixture, MemoryStateStore, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let memory = MemoryStateStore(clock: clock)
        try await run({
            $0.clock = clock
            $0.state = memory
            $0.hasWorkers = false
        }) { engine async throws in try await body(engine, memory, clock) }
    }

    /// Runs the parts for as long as `body` runs.
    static func run(
        _ change: (inout Setup) throws -> Void = { _ in }, isolation: isolated (any Actor)? = #isolation,
        _ body: (EngineFixture) async throws -> Void
    ) async throws {
        var setup = Setup()
        try change(&setup)
        // By the system's clock no lease is to run out, and no heartbeat to come in between, however slow the machine is.
        if setup.clock is SystemClock { setup.copy.lease = max(setup.copy.lease, .seconds(600)) }
        try await FakeOrigin.run { origin in
            let fixture = try EngineFixture(setup, origin: origin)
            let result: Result<Void, any Error>
            do {
                try await fixture.run(body)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await fixture.outbound.shutdown()
            await fixture.state.close()
            try result.get()
        }
    }

    private init(_ setup: Setup, origin: FakeOrigin) throws {
        self.setup = setup
        self.origin = origin
        let clock = setup.clock
        let id = try #require(PoolID("local/dev"))
        store = ScriptedStore(setup.store, features: setup.features, bucket: setup.bucket, fetch: setup.fetch)
        let limits = Pool.Limits(
            RetentionConfiguration(timeToLive: setup.timeToLive, grace: setup.grace, policy: setup.policy), maxBytes: setup.maxBytes)
        pool = Pool(id: id, store: store, limits: limits, costs: setup.costs)
        var all = [pool]
        for (name, store) in setup.otherPools {
            all.append(Pool(id: try #require(PoolID(name)), store: store, limits: limits, costs: setup.costs))
        }
        pools = PoolTable(all)
        base = ScriptedStateStore(setup.state ?? MemoryStateStore(clock: clock, maxQueued: setup.maxQueued))
        state = HotIndex(base, memory: 8 << 20)
        let policy = try EgressPolicy(
            allow: setup.requireHTTPS
                ? [.anyPublic]
                : [.prefix(try ArtifactURL(origin.url("/"))), .anyPublic]
                    + setup.allowedHosts.map { .prefix(try ArtifactURL("http://\($0):\(origin.port)/")) },
            requireHTTPS: setup.requireHTTPS, allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))], maxRedirects: 3)
        outbound = GuardedClient(
            policy: policy, configuration: setup.outbound, resolver: setup.resolver,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Self.logger)
        let named = setup.rules.isEmpty ? [] : [NamedOrigin(name: "named", url: try ArtifactURL(origin.url("/")), rules: setup.rules)]
        origins = OriginTable(
            outbound, buckets: setup.buckets, named: Reloadable(NamedOriginTable(named, policy: policy)),
            metrics: OriginMetrics(factory: counters))
        metrics = EngineMetrics(pools: pools.ids, factory: counters)
        waiters = ReplicaWaiters()
        remover = ReplicaRemover(pools: pools, state: state, publications: publications, activity: setup.activity, clock: clock)
        health = PoolHealth(pools: pools, state: state, clock: clock, logger: Self.logger)
        presence = PresenceCheck(pools: pools, remover: remover, health: health, metrics: metrics, clock: clock, logger: Self.logger)
        uses = UseRecorder(
            state: state, coarseness: setup.coarseness...setup.coarseness, presence: presence, activity: setup.activity, clock: clock,
            logger: Self.logger)
        space = PoolSpace(
            state: state, remover: remover, uses: uses, maxReplicas: setup.maxReplicas, metrics: metrics, clock: clock, logger: Self.logger)
        redirects = RedirectService(
            pools: pools, state: state, origins: origins, waiters: waiters, uses: uses, publications: publications,
            presence: presence, health: health, configuration: setup.redirect,
            coldClaims: ColdClaims(
                setup.redirect.coldClaims, metrics: metrics, clock: setup.budgetClock ?? clock, logger: setup.logger),
            desk: desk, learned: setup.learned, metrics: metrics, clock: clock, logger: Self.logger)
        sweeper = Sweeper(
            pools: pools, state: state, remover: remover,
            backfill: Backfill(state: state, publications: publications, clock: clock, logger: Self.logger), space: space,
            survey: HoldingsSurvey(state: state, factory: counters, clock: clock),
            interval: .seconds(60),
            metrics: metrics, clock: clock, logger: Self.logger)
    }

    private func run(_ body: (EngineFixture) async throws -> Void) async throws {
        // Before anything can change.
        let (changes, budgetChanges) = (await state.changes(of: .results), await state.changes(of: .results))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await state.run() }
            group.addTask { await waiters.run(changes) }
            group.addTask { await redirects.coldClaims.run(budgetChanges, state) }
            if let activity = setup.activity {
                let copyChanges = await state.changes(of: .results)
                group.addTask { await activity.run(copyChanges, state) }
            }
            if setup.hasWorkers {
                let workers = makeWorkers()
                group.addTask { try await workers.run() }
            }
            try await body(self)
            group.cancelAll()
        }
    }

    // MARK: What tests do

    /// Workers of this fixture, or of another process that shares its state and its pool, with a publication lock of its own.
    func makeWorkers(
        _ name: String = "worker", state other: (any StateStore)? = nil, publications: PublicationLock? = nil, duty: CopyDuty = .always,
        shutdownGrace: Duration = .seconds(25), _ change: (inout CopyConfiguration) -> Void = { _ in }
    ) -> CopyWorkers {
        var configuration = setup.copy
        change(&configuration)
        return CopyWorkers(
            name: name, pools: pools, state: other ?? state, origins: origins, space: space,
            publications: publications ?? self.publications, desk: setup.sharesDesk ? desk : LeaseDesk(), duty: duty,
            configuration: configuration, negativeLife: setup.negativeLife,
            shutdownGrace: shutdownGrace, learned: setup.learned, metrics: metrics, clock: setup.clock, logger: setup.logger)
    }

    func artifact(_ path: String) throws -> ArtifactURL { try ArtifactURL(origin.url(path)) }

    func id(_ path: String) throws -> ReplicaID { ReplicaID(artifact: try artifact(path), pool: pool.id) }

    func key(_ path: String) throws -> ObjectKey { ObjectKey(try artifact(path)) }

    /// - Parameter wait: Until it is copied, however long that takes, unless it is given.
    func ask(_ path: String, wait: Duration? = nil) async throws -> RedirectAnswer {
        await redirects.answer(try artifact(path), in: pool, wait: wait)
    }

    /// Runs workers for as long as `body` runs.
    func running(_ workers: CopyWorkers..., isolation: isolated (any Actor)? = #isolation, body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { try await worker.run() } }
            try await body()
            group.cancelAll()
        }
    }

    /// Puts an object into the pool that the state does not know.
    ///
    /// - Parameter stored: `nil` is now.
    func put(_ path: String, _ bytes: [UInt8], stored: Timestamp? = nil) async throws {
        let artifact = try artifact(path)
        let upload = try await setup.store.beginUpload(
            ObjectKey(artifact), metadata: ObjectMetadata(upstreamURL: artifact.description, stored: stored ?? setup.clock.now),
            expectedSize: Int64(bytes.count))
        let part = UploadPart(number: 0, offset: 0, length: Int64(bytes.count))
        let size = try await upload.write(part, from: ByteStream(ByteBuffer(bytes: bytes)))
        _ = try await upload.complete(size: size, sha256: try FakeBody.bytes(bytes).sha256)
    }

    /// What the pool holds.
    func read(_ path: String) async throws -> (info: ObjectInfo, bytes: [UInt8]) {
        let content = try await setup.store.get(try key(path), range: nil)
        return (content.info, Array(try await content.body.collect(upTo: 64 << 20).readableBytesView))
    }

    /// What the state is told of the object in the pool.
    func pooled(_ path: String) async throws -> StoredObject {
        StoredObject(try await setup.store.head(try key(path)), lastUsed: setup.clock.now)
    }

    func isInPool(_ path: String) async throws -> Bool {
        do {
            _ = try await setup.store.head(try key(path))
            return true
        } catch let error as StorageError where error.code == .notFound {
            return false
        }
    }

    /// Returns once so many requests wait for a copy, or when the test has taken too long.
    func waiting(_ count: Int) async {
        while waiters.count != count, !Task.isCancelled { await Task.yield() }
    }

    func status(_ path: String) async throws -> Replica.Status? { try await state.replica(try id(path))?.status }

    /// The present replica's object.
    func object(_ path: String) async throws -> StoredObject {
        guard case .present(let object) = try await status(path) else {
            Issue.record("\(path) is not present")
            throw CancellationError()
        }
        return object
    }
}

/// Names without a name server.
struct FixedResolver: HostResolver {
    var names: [String: [IPAddress]] = [:]

    func addresses(of name: String) async throws -> [IPAddress] {
        guard let addresses = names[name] else { throw OutboundError(.unresolvable, "\(name) has no address") }
        return addresses
    }
}

extension RedirectAnswer {
    var redirect: ReplicaRedirect? { if case .replica(let redirect) = self { redirect } else { nil } }
    /// Of the object; -1 for another answer.
    var size: Int64 { redirect?.object.size ?? -1 }
    var fallback: Fallback? { if case .origin(let reason) = self { reason } else { nil } }
    var status: Int? { if case .originStatus(let status, _) = self { status } else { nil } }
    var refusal: String? { if case .refused(let message) = self { message } else { nil } }
}
