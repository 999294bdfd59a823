import CloudRegions
import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorState
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import NIOSSL
import NamedOrigins
import Retention
import ServiceLifecycle
import Synchronization
import TestServers

@testable import MirrorServer

/// What a test wants to be different about a mirror.
struct MirrorOptions: Sendable {
    var usesFastPath = true
    /// So that a busy machine changes nothing.
    var lookupPatience = Duration.seconds(300)
    var publicURL: String?
    var tls: TLSConfiguration?
    var adminTokens = [MirrorFixture.token]
    /// Whether admin calls have a listener of their own.
    var hasAdminListener = false
    var redirectStatus = 302
    var maxConnections = 10_000
    var idleTimeout = Duration.seconds(600)
    /// Only a test that failed, or that means it, leaves a connection that keeps a shutdown waiting.
    var shutdownGrace = Duration.seconds(60)
    var bodyTimeout = Duration.seconds(600)
    var maxHeaderBytes: Int64 = 32_768
    /// None, so that a miss is answered at once.
    var maxWait = Duration.zero
    /// So that a wait is one answer's, unless a test says how long one may be withheld.
    var patience = Patience(hop: .seconds(3_600), hops: 0)
    var maxWaiting = 10_000
    var coldClaims = ColdClaimLimits.none
    var networks: [(network: IPNetwork, pool: PoolID)] = []
    var fallback: PoolID?
    var trustedProxies: [IPNetwork] = []
    var proxyHeader = ProxyHeader.xForwardedFor
    var poolHeader = false
    /// Which pools serve the cloud regions of ``regions``.
    var regionPools: [CloudRegion: PoolID] = [:]
    var regions: CloudRegionTable?
    var proxyProtocol = false
    /// Origins beside ``World/origin``.
    var allow: [EgressPolicy.AllowRule] = []
    /// Their URLs are allowed, too.
    var named: [NamedOrigin] = []
    /// A directory to keep pages in.
    var pages: String?
    var deliveries: [SelectionConfiguration.DeliveryRule] = []
    var deliveryHeader = false
    var copies = false
    var isSigned = false
    /// Whether how long replicas stay goes by cost.
    var isByCost = false
    /// What each pool costs; `nil` if nobody knows.
    var prices: PoolPrices?
    var hasOtherPool = true
    var isStateShared = false
    var servesArtifacts = true
    var hasDashboard = true

    var selection: SelectionConfiguration {
        var selection = SelectionConfiguration(networks: networks, trustedProxies: trustedProxies, fallback: fallback)
        (selection.proxyHeader, selection.poolHeader, selection.regions) = (proxyHeader, poolHeader, regionPools)
        (selection.deliveries, selection.deliveryHeader) = (deliveries, deliveryHeader)
        return selection
    }

    static func with(_ change: (inout MirrorOptions) throws -> Void) rethrows -> MirrorOptions {
        var options = MirrorOptions()
        try change(&options)
        return options
    }
}

/// A mirror that serves on 127.0.0.1, in this process, on one event loop.
final class MirrorFixture: Sendable {
    static let token = "correct horse"

    let world: World
    let services: MirrorServices
    let server: MirrorServer
    let store: WatchedStore
    /// Of ``World/otherPool``.
    let otherStore: WatchedStore
    let port: Int
    let adminPort: Int?
    private let group: ServiceGroup
    private let end: WatchedState<Bool>

    private init(
        world: World, services: MirrorServices, server: MirrorServer, stores: (first: WatchedStore, other: WatchedStore),
        ports: [MirrorServer.Listener: Int], group: ServiceGroup, end: WatchedState<Bool>
    ) throws {
        self.world = world
        self.services = services
        self.server = server
        store = stores.first
        otherStore = stores.other
        port = try require(ports[.main])
        adminPort = ports[.admin]
        self.group = group
        self.end = end
    }

    /// Starts a mirror, runs `body` and stops it.
    static func run<Result: Sendable>(
        _ world: World = World(), _ options: MirrorOptions = MirrorOptions(), isolation: isolated (any Actor)? = #isolation,
        _ body: (MirrorFixture) async throws -> Result
    ) async throws -> Result {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let parts = try MirrorParts(world, options, loops)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await parts.serve(options, loops, body))
        } catch {
            result = .failure(error)
        }
        await parts.outbound.shutdown()
        try await loops.shutdownGracefully()
        return try result.get()
    }

    /// Redirects answered as hits so far, whichever path answered.
    var hits: Int {
        services.registry.values(of: EngineMetrics.Name.redirects).reduce(0) { $0 + ($1.labels["outcome"] == "hit" ? Int($1.value) : 0) }
    }

    /// Begins a graceful shutdown.
    func shutDown() async {
        await group.triggerGracefulShutdown()
    }

    /// Returns once the server has ended.
    func ended() async throws {
        try await end.value { $0 ? () : nil }
    }

    func connection() async throws -> RawConnection {
        try await RawConnection.open(port: port)
    }

    /// One request on a connection of its own.
    func request(_ method: String, _ target: String, _ fields: [(String, String)] = [], body: String? = nil) async throws -> RawResponse {
        try await RawConnection.run(port: port) { try await $0.request(method, target, fields, body: body) }
    }

    func get(_ target: String, _ fields: [(String, String)] = []) async throws -> RawResponse {
        try await request("GET", target, fields)
    }

    /// The same with the admin token.
    func admin(_ method: String, _ target: String, body: String? = nil) async throws -> RawResponse {
        try await request(method, target, [("Authorization", "Bearer \(Self.token)")], body: body)
    }

    /// Returns once so many requests wait for a copy, or when the test has taken too long.
    func waiting(_ count: Int) async {
        while services.waiters.count < count, !Task.isCancelled { await Task.yield() }
    }

    // MARK: Putting it together

    private struct MirrorParts {
        let world: World
        let store: WatchedStore
        let otherStore: WatchedStore
        let services: MirrorServices
        let outbound: GuardedClient
        let workers: CopyWorkers
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

        init(_ world: World, _ options: MirrorOptions, _ loops: MultiThreadedEventLoopGroup) throws {
            self.world = world
            store = WatchedStore(world.memory, isSigned: options.isSigned)
            otherStore = WatchedStore(world.otherMemory)
            func pool(_ id: PoolID?, _ store: any ObjectStore) throws -> Pool {
                Pool(
                    id: try require(id), store: store,
                    limits: Pool.Limits(RetentionConfiguration(policy: options.isByCost ? .cost : .ttl), maxBytes: 1 << 30))
            }
            let pools = PoolTable(
                [try pool(World.pool, store)] + (options.hasOtherPool ? [try pool(World.otherPool, otherStore)] : []))
            let policy = try EgressPolicy(
                allow: [.prefix(try ArtifactURL(World.origin + "/"))] + options.allow
                    + options.named.flatMap(\.places).map { .prefix($0) }, requireHTTPS: options.allow.isEmpty,
                allowAddresses: ["127.0.0.0/8"].compactMap(IPNetwork.init))
            outbound = GuardedClient(
                policy: policy, resolver: SystemResolver(eventLoopGroup: loops), eventLoopGroup: loops, logger: logger)
            let registry = MetricsRegistry()
            let named = Reloadable(NamedOriginTable(options.named, policy: policy))
            let originMetrics = OriginMetrics(factory: registry, clock: world.clock)
            let upstream = UpstreamClient(
                client: outbound, tokens: UpstreamTokens(client: outbound, clock: world.clock, logger: logger), metrics: originMetrics)
            let origins = OriginTable(outbound, named: named, upstream: upstream, metrics: originMetrics)
            let metrics = EngineMetrics(pools: pools.ids, factory: registry, clock: world.clock)
            let waiters = ReplicaWaiters()
            let publications = PublicationLock()
            let remover = ReplicaRemover(pools: pools, state: world.state, publications: publications, clock: world.clock)
            let health = PoolHealth(pools: pools, state: world.state, clock: world.clock, logger: logger)
            let presence = PresenceCheck(
                pools: pools, remover: remover, health: health, metrics: metrics, clock: world.clock, logger: logger)
            let uses = UseRecorder(state: world.state, coarseness: .seconds(60)...Duration.seconds(60), clock: world.clock, logger: logger)
            let learned = LearnedRetention(
                prices: RetentionPrices(
                    asOf: World.pricesAsOf, Dictionary(uniqueKeysWithValues: pools.ids.map { ($0, options.prices) })),
                isOn: options.isByCost)
            let recorder = ActivityRecorder(store: world.base, learned: learned, clock: world.clock, logger: logger)
            var redirect = RedirectConfiguration.defaults
            redirect.maxWait = options.maxWait
            (redirect.hop, redirect.hops) = (options.patience.hop, options.patience.hops)
            redirect.maxWaiting = options.maxWaiting
            redirect.coldClaims = options.coldClaims
            let redirects = RedirectService(
                pools: pools, state: world.state, origins: origins, waiters: waiters, uses: uses, publications: publications,
                presence: presence, health: health, configuration: redirect,
                coldClaims: ColdClaims(options.coldClaims, metrics: metrics, clock: world.clock, logger: logger),
                metrics: metrics, clock: world.clock, logger: logger)
            var pages: PageService?
            if let directory = options.pages {
                pages = PageService(
                    upstream: upstream, store: try PageStore(directory: directory, maxBytes: 1 << 20, logger: logger), clock: world.clock,
                    metrics: PageMetrics(factory: registry), logger: logger)
            }
            services = MirrorServices(
                pools: pools,
                selector: Reloadable(PoolSelector(options.selection, pools: pools.all.map(\.id), regions: options.regions)),
                state: world.state, isStateShared: options.isStateShared, redirects: redirects, health: health, remover: remover,
                waiters: waiters,
                uses: uses,
                metrics: metrics, registry: registry, named: named, upstream: upstream,
                pages: Reloadable(pages),
                savings: SavingsMeter(
                    learned: learned,
                    learner: RetentionLearner(
                        store: world.base, learned: learned, recorder: recorder, name: "test", clock: world.clock, logger: logger),
                    recorder: recorder, factory: registry, clock: world.clock),
                explainer: RetentionExplainer(store: world.base, learned: learned, clock: world.clock),
                clock: world.clock)
            workers = CopyWorkers(
                name: "test", pools: pools, state: world.state, origins: origins,
                space: PoolSpace(state: world.state, remover: remover, uses: uses, metrics: metrics, clock: world.clock, logger: logger),
                publications: publications, configuration: .defaults, negativeLife: .seconds(30), shutdownGrace: .seconds(25),
                metrics: metrics, clock: world.clock, logger: logger)
        }

        func serve<Result: Sendable>(
            _ options: MirrorOptions, _ loops: MultiThreadedEventLoopGroup, isolation: isolated (any Actor)? = #isolation,
            _ body: (MirrorFixture) async throws -> Result
        ) async throws -> Result {
            let (listeners, announce) = AsyncStream.makeStream(of: (MirrorServer.Listener, Int).self)
            let configuration = ServerConfiguration(
                maxConnections: options.maxConnections, idleTimeout: options.idleTimeout, bodyTimeout: options.bodyTimeout,
                maxHeaderBytes: options.maxHeaderBytes, proxyProtocol: options.proxyProtocol, shutdownGrace: options.shutdownGrace)
            let address = ListenAddress(host: "127.0.0.1", port: 0)
            let server = MirrorServer(
                services: services, configuration: configuration, listen: address, adminListen: options.hasAdminListener ? address : nil,
                adminTokens: options.adminTokens, publicURL: options.publicURL, servesArtifacts: options.servesArtifacts,
                redirectStatus: options.redirectStatus == 307 ? .temporaryRedirect : .found,
                hasDashboard: options.hasDashboard, tls: try options.tls.map { try NIOSSLContext(configuration: $0) },
                usesFastPath: options.usesFastPath,
                lookupPatience: options.lookupPatience, group: loops,
                logger: logger
            ) { listener, address in
                announce.yield((listener, address.port))
            }
            var parts: [any Service] = [server]
            if options.copies { parts.append(workers) }
            var settings = ServiceGroupConfiguration(services: parts, logger: logger)
            settings.maximumGracefulShutdownDuration = options.shutdownGrace
            let group = ServiceGroup(configuration: settings)
            let end = WatchedState(false)
            let changes = await world.state.changes(of: .results)
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    defer {
                        announce.finish()
                        end.change { $0 = true }
                    }
                    try await group.run()
                }
                tasks.addTask { await services.waiters.run(changes) }
                await followChanges(&tasks)
                var ports: [MirrorServer.Listener: Int] = [:]
                for await (listener, port) in listeners {
                    ports[listener] = port
                    if ports.count == (options.hasAdminListener ? 2 : 1) { break }
                }
                let mirror = try MirrorFixture(
                    world: world, services: services, server: server, stores: (store, otherStore), ports: ports, group: group, end: end)
                let result: Swift.Result<Result, any Error>
                do {
                    result = .success(try await body(mirror))
                } catch {
                    result = .failure(error)
                }
                await mirror.shutDown()
                try? await mirror.ended()
                tasks.cancelAll()
                while true {
                    // A service that is cancelled may say so.
                    do { if try await tasks.next() == nil { break } } catch {}
                }
                return try result.get()
            }
        }

        /// Keeps the index coherent; returns once it has forgotten what it knew before, so that nothing a test remembers gets lost.
        private func followChanges(_ tasks: inout ThrowingTaskGroup<Void, any Error>) async {
            let (beginnings, began) = AsyncStream.makeStream(of: Void.self)
            world.state.addObserver { if $0 == .everything { began.yield() } }
            tasks.addTask { await world.state.run() }
            for await _ in beginnings { break }
        }
    }
}
