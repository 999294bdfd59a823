import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorSettings
import MirrorState
import MirrorStorage
import MirrorTracing
import NIOPosix
import NamedOrigins
import StateRedis
import StateSQLite

/// Composes the running parts from the configuration. Only this type knows which storage and which state exist.
struct MirrorComposition: Sendable {
    /// The configuration at startup.
    let configuration: Configuration
    let role: ProcessRole
    let state: HotIndex
    let services: MirrorServices
    /// Set even if this process does not copy.
    let workerName: String
    /// `nil` for a front end that never copies.
    let workers: CopyWorkers?
    let sweeper: Sweeper
    /// Only in a copier, so that front ends leave its pools to it.
    let registration: CopierRegistration?
    /// `nil` if the state belongs to this process alone.
    let redis: RedisStateStore?
    /// `nil` if the process takes no admin calls.
    let localToken: LocalAdminToken?
    let outbound: GuardedClient
    /// Reads origins for single clients. Separate from `outbound`, so that clients who read slowly do not delay copies.
    let relays: GuardedClient
    let named: Reloadable<NamedOriginTable>
    let pages: PageOpening
    /// How a pool is chosen for a request that names none.
    let selection: PoolSelection
    let regionUpdates: RegionUpdates
    /// `nil` if nothing is traced.
    let traces: TraceExport?
    /// What the policy `cost` goes by.
    let learning: Learning
    private let storage: ServiceTable

    init(_ configuration: Configuration, role: ProcessRole, group: MultiThreadedEventLoopGroup, logger: Logger) async throws {
        self.configuration = configuration
        self.role = role
        let clock = SystemClock()
        try await Self.check(configuration, clock: clock, logger: logger)
        let registry = MetricsRegistry()
        traces = configuration.tracing.map {
            TraceExport($0, configuration.outbound, registry: registry, group: group, clock: clock, logger: logger)
        }
        storage = ServiceTable(configuration, group: group, clock: clock, logger: logger)
        let store = try Self.openState(configuration, clock: clock, group: group, logger: logger)
        redis = store as? RedisStateStore
        let name = WorkerName.make()
        workerName = name
        let learning = Learning(configuration, store: store, name: name, clock: clock, logger: logger)
        self.learning = learning
        let pools = try await Self.openPools(
            configuration, storage, costs: learning.policy, registry: registry, clock: clock, logger: logger)
        state = HotIndex(store, memory: Int(configuration.redirect.memory), clock: clock)
        outbound = Self.makeOutbound(configuration, group: group, logger: logger)
        let relays = Self.makeRelays(configuration, group: group, logger: logger)
        self.relays = relays
        let named = Reloadable(NamedOriginTable(configuration.origins.named, policy: configuration.origins.policy))
        self.named = named
        // Tokens that one client has obtained can be used by the other.
        let tokens = UpstreamTokens(client: relays, clock: clock, logger: logger)
        let originMetrics = OriginMetrics(factory: registry, logger: logger)
        let upstream = UpstreamClient(client: relays, tokens: tokens, metrics: originMetrics)
        pages = PageOpening(
            directory: "\(configuration.stateDirectory)/pages", configuration: configuration.origins.pages, upstream: upstream,
            metrics: PageMetrics(factory: registry), clock: clock, logger: logger)
        if role.servesArtifacts { try pages.open(for: configuration) }
        let origins = OriginTable(
            outbound, buckets: storage.origins(configuration.origins.buckets), named: named,
            upstream: UpstreamClient(client: outbound, tokens: tokens, metrics: originMetrics), metrics: originMetrics)
        let metrics = EngineMetrics(pools: pools.ids, factory: registry)
        let waiters = ReplicaWaiters()
        let publications = PublicationLock()
        let remover = ReplicaRemover(
            pools: pools, state: state, publications: publications, activity: learning.recorder, clock: clock)
        let health = PoolHealth(pools: pools, state: state, clock: clock, logger: logger)
        let presence = PresenceCheck(pools: pools, remover: remover, health: health, metrics: metrics, clock: clock, logger: logger)
        let uses = UseRecorder(
            state: state, coarseness: configuration.useCoarseness, presence: presence, activity: learning.recorder, clock: clock,
            logger: logger)
        let desk = LeaseDesk()
        let redirects = RedirectService(
            pools: pools, state: state, origins: origins, waiters: waiters, uses: uses, publications: publications,
            presence: presence, health: health, configuration: configuration.redirect,
            coldClaims: ColdClaims(configuration.redirect.coldClaims, metrics: metrics, clock: clock, logger: logger),
            desk: desk, learned: learning.learned, metrics: metrics, clock: clock, logger: logger)
        let space = PoolSpace(state: state, remover: remover, uses: uses, metrics: metrics, clock: clock, logger: logger)
        if let duty = role.duty(redis, configuration) {
            workers = CopyWorkers(
                name: name, pools: pools, state: state, origins: origins, space: space, publications: publications, desk: desk, duty: duty,
                configuration: configuration.copy, negativeLife: configuration.redirect.negativeLife,
                // The rest of the grace period is for handing back copies that did not end.
                shutdownGrace: configuration.server.shutdownGrace * 0.8, learned: learning.learned, metrics: metrics,
                tracer: traces?.tracer, clock: clock,
                logger: logger)
        } else {
            workers = nil
        }
        selection = PoolSelection(configuration.selection, pools: configuration.pools.map(\.id))
        services = MirrorServices(
            pools: pools, selector: selection.selector, state: state, isStateShared: redis != nil, redirects: redirects,
            health: health, remover: remover, waiters: waiters, uses: uses, metrics: metrics, registry: registry,
            copySlots: workers?.slots, named: named, upstream: upstream, pages: pages.service, tracer: traces?.tracer,
            savings: SavingsMeter(
                learned: learning.learned, learner: learning.learner, recorder: learning.recorder, factory: registry, clock: clock),
            explainer: RetentionExplainer(store: store, learned: learning.learned, clock: clock),
            clock: clock)
        if let redis, role == .copier {
            registration = CopierRegistration(
                registry: redis, name: name, pools: pools.ids, life: configuration.copy.lease, clock: clock, logger: logger)
        } else {
            registration = nil
        }
        sweeper = Sweeper(
            pools: pools, state: state, remover: remover,
            backfill: Backfill(state: state, publications: publications, clock: clock, logger: logger), space: space,
            survey: HoldingsSurvey(state: state, factory: registry, clock: clock),
            interval: configuration.sweep.interval, metrics: metrics, tracer: traces?.tracer, clock: clock, logger: logger)
        regionUpdates = RegionUpdates(
            sources: role.servesArtifacts ? configuration.selection.cloudRegions : CloudRegionSources(),
            reader: RegionSourceReader(client: try Self.makeRegionClient(configuration, group: group, logger: logger)),
            selection: selection, metrics: RegionMetrics(factory: registry), clock: clock, logger: logger)
        localToken = role.servesArtifacts ? LocalAdminToken(in: configuration.stateDirectory, logger: logger) : nil
    }

    func close() async {
        await services.uses.flush()
        await outbound.shutdown()
        await relays.shutdown()
        pages.service.value?.close()
        await regionUpdates.reader.client?.shutdown()
        await traces?.close()
        await storage.close()
        await state.close()
    }

    /// The tokens that admin calls may use.
    func adminTokens(_ configuration: Configuration) -> [String] {
        let local = configuration.admin.localToken ? localToken?.value : nil
        return configuration.admin.tokens.map(\.value) + (local.map { [$0] } ?? [])
    }

    /// Replaces the egress policy and the origins below `/o/`.
    ///
    /// - Throws: ``StartError`` if pages cannot be kept; then nothing has changed.
    func replaceOrigins(with configuration: Configuration) throws(StartError) {
        let policy = configuration.origins.policy
        if role.servesArtifacts { try pages.open(for: configuration) }
        outbound.policy = policy
        relays.policy = policy
        named.replace(with: NamedOriginTable(configuration.origins.named, policy: policy))
    }

    // MARK: The parts

    /// Checks the machine before anything is opened, so that all reasons why the service cannot start are reported at once.
    private static func check(_ configuration: Configuration, clock: any MirrorClock, logger: Logger) async throws {
        let found = try await leaving(after: checkLimit, by: clock) {
            try await NIOThreadPool.singleton.runIfActive {
                let check = MachineCheck(configuration)
                return check.service() + check.state() + configuration.pools.flatMap(check.pool) + check.sharedDisks()
            }
        }
        guard let findings = found else {
            throw StartError("the directories of the pools or of the state do not answer: the disk or the file server of one of them hangs")
        }
        for finding in findings where finding.severity != .fatal {
            logger.warning(
                "the configuration does not fit this machine", metadata: ["key": "\(finding.key)", "problem": "\(finding.text)"])
        }
        let fatal = findings.filter { $0.severity == .fatal }
        guard fatal.isEmpty else { throw StartError(fatal.map { "\($0.key): \($0.text)" }.joined(separator: "; ")) }
    }

    /// The same as the time limit for opening a pool.
    private static let checkLimit = Duration.seconds(60)

    private static func openPools(
        _ configuration: Configuration, _ storage: ServiceTable, costs: any RetentionPolicy, registry: MetricsRegistry,
        clock: any MirrorClock, logger: Logger
    ) async throws -> PoolTable {
        var pools: [Pool] = []
        for pool in configuration.pools {
            let store: any ObjectStore
            let operations: Int
            do {
                (store, operations) = try await storage.open(pool)
            } catch let error as StorageError {
                throw StartError("pool \(pool.id): \(error.message)")
            }
            let layers = StoreLayers(operations: operations, patience: configuration.redirect.lookLimit)
            pools.append(
                Pool(
                    id: pool.id, store: layers.around(store, pool: pool.id, clock: clock, factory: registry, logger: logger),
                    limits: configuration.limits(of: pool), maxStreams: operations * 3 / 4, costs: costs))
        }
        return PoolTable(pools)
    }

    private static func openState(
        _ configuration: Configuration, clock: any MirrorClock, group: MultiThreadedEventLoopGroup, logger: Logger
    ) throws -> any StateStore & ActivityStore {
        switch configuration.state {
        case .redis(let redis):
            // Does not wait for Redis: a mirror whose state cannot be reached redirects to the origin.
            return redis.openState(configuration, group: group, logger: logger)
        case .sqlite(let path):
            do {
                return try SQLiteStateStore(
                    path: path, maxQueued: configuration.copy.maxQueued, maxQueuedPerOrigin: configuration.copy.queuedPerOrigin,
                    history: configuration.retention.history, takeOver: true,
                    clock: clock, logger: logger)
            } catch {
                throw StartError("state: \(error.message)")
            }
        }
    }

    /// A client that may fetch only the clouds' address lists.
    private static func makeRegionClient(
        _ configuration: Configuration, group: MultiThreadedEventLoopGroup, logger: Logger
    ) throws -> GuardedClient? {
        guard let policy = try configuration.regionPolicy() else { return nil }
        return GuardedClient(
            policy: policy, configuration: configuration.outbound, resolver: SystemResolver(eventLoopGroup: group), eventLoopGroup: group,
            logger: logger)
    }

    private static func makeRelays(
        _ configuration: Configuration, group: MultiThreadedEventLoopGroup, logger: Logger
    ) -> GuardedClient {
        var outbound = configuration.outbound
        outbound.connectionsPerOrigin = configuration.server.connectionsPerOrigin
        return GuardedClient(
            policy: configuration.origins.policy, configuration: outbound,
            resolver: CachingResolver(SystemResolver(eventLoopGroup: group)), eventLoopGroup: group, logger: logger)
    }

    private static func makeOutbound(
        _ configuration: Configuration, group: MultiThreadedEventLoopGroup, logger: Logger
    ) -> GuardedClient {
        var outbound = configuration.outbound
        outbound.connectionsPerOrigin = configuration.copy.concurrency * configuration.copy.partConcurrency
        return GuardedClient(
            policy: configuration.origins.policy, configuration: outbound, resolver: CachingResolver(SystemResolver(eventLoopGroup: group)),
            eventLoopGroup: group, logger: logger)
    }
}
