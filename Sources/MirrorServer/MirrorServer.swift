import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
package import MirrorCore
package import MirrorEngine
import MirrorState
import MirrorViews
import NIOCore
package import NIOPosix
package import NIOSSL
import ServiceLifecycle

/// The HTTP interface: one listener, or two if admin calls have their own.
///
/// On graceful shutdown, and if a listener fails, it redirects all waiting requests to the origin, stops accepting, and finishes answers in progress.
package struct MirrorServer: Service, CustomStringConvertible {
    private let services: MirrorServices
    private let configuration: ServerConfiguration
    private let listen: ListenAddress
    private let adminListen: ListenAddress?
    private let publicURL: String?
    private let servesArtifacts: Bool
    private let redirectStatus: HTTPResponse.Status
    private let table: FastPathTable
    private let adminTokens: Reloadable<AdminTokens>
    private let refusals: AdminRefusals
    /// Limits the lines in the log.
    private let troubles: LineBudget
    private let figures: SharedLooks<String, Void>
    /// `nil` for a server without TLS.
    private let tls: Reloadable<NIOSSLContext>?
    let coalescing: CoalescingTable
    let lookups: StateLookups
    private let connectionMetrics: ConnectionMetrics
    private let namedMetrics: NamedMetrics
    let relays: Relays
    private let sessions: DashboardSessions
    private let dashboardFigures: DashboardFigures
    let dashboardFeed: DashboardFeed
    private let hasDashboard: Bool
    private let usesFastPath: Bool
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let onRunning: @Sendable (Listener, ListenAddress) async -> Void

    /// For the log of the services, which would otherwise show everything reachable from here.
    package var description: String { "MirrorServer" }

    package enum Listener: String, Sendable {
        case main, admin
    }

    /// - Parameter adminListen: The address of a separate listener for admin calls; `nil` shares the main one.
    /// - Parameter publicURL: How clients reach this service, without a slash at the end; `nil` makes locations of local objects relative.
    /// - Parameter servesArtifacts: Whether it redirects and serves objects; a process that only copies answers only about itself.
    /// - Parameter hasDashboard: Whether `/dashboard` is there, on the listener for admin calls.
    /// - Parameter tls: For new connections; `nil` for HTTP without TLS.
    /// - Parameter usesFastPath: `false` sends everything through Hummingbird; for the tests that compare the two.
    /// - Parameter lookupPatience: How long a plain request waits for a look into the state before the slow path takes it.
    /// - Parameter onRunning: Called once a listener accepts connections, with its address.
    package init(
        services: MirrorServices, configuration: ServerConfiguration, listen: ListenAddress, adminListen: ListenAddress?,
        adminTokens: [String], publicURL: String?, servesArtifacts: Bool, redirectStatus: RedirectConfiguration.Status,
        hasDashboard: Bool = true, tls: NIOSSLContext? = nil, usesFastPath: Bool = true,
        lookupPatience: Duration = .milliseconds(200), group: MultiThreadedEventLoopGroup, logger: Logger,
        onRunning: @escaping @Sendable (Listener, ListenAddress) async -> Void = { _, _ in }
    ) {
        self.services = services
        self.configuration = configuration
        self.listen = listen
        self.adminListen = adminListen
        self.publicURL = publicURL
        self.servesArtifacts = servesArtifacts
        self.redirectStatus = redirectStatus == .temporaryRedirect ? .temporaryRedirect : .found
        self.usesFastPath = usesFastPath
        self.group = group
        self.logger = logger
        self.onRunning = onRunning
        self.adminTokens = Reloadable(AdminTokens(adminTokens))
        refusals = AdminRefusals(factory: services.registry, clock: services.clock)
        troubles = LineBudget(clock: services.clock)
        figures = SharedLooks(life: MetricsRoute.figuresLife, patience: PoolHealth.patience, clock: services.clock)
        self.hasDashboard = hasDashboard
        sessions = DashboardSessions(tokens: self.adminTokens, clock: services.clock)
        let dashboardFigures = DashboardFigures(services: services, metrics: MetricsRoute(services: services, figures: figures))
        self.dashboardFigures = dashboardFigures
        dashboardFeed = DashboardFeed(clock: services.clock) {
            await dashboardFigures.rows().map { DashboardRoutes.event("rows", $0.html) }
        }
        self.tls = tls.map { Reloadable($0) }
        namedMetrics = NamedMetrics(factory: services.registry)
        relays = Relays(services.pools, configuration)
        connectionMetrics = ConnectionMetrics(factory: services.registry)
        table = FastPathTable(
            index: services.state, forms: AnswerForms(status: self.redirectStatus, registry: services.registry))
        coalescing = CoalescingTable(
            redirects: services.redirects, selector: services.selector, metrics: services.metrics, clock: services.clock)
        lookups = StateLookups(services: services, table: table, publicURL: publicURL, patience: lookupPatience)
        let coalescing = coalescing
        services.state.addObserver { coalescing.invalidate($0) }
    }

    package func run() async throws {
        let (coalescing, lookups, routes, redirects, feed) = (coalescing, lookups, redirectRoutes, services.redirects, dashboardFeed)
        // Waits on behalf of coalesced requests whose first one has been redirected. The services after it in the list end first, but only when
        // it has answered all of those requests.
        var parts: [any Service] = [ServerPart(description: "CoalescingService") { await coalescing.run(routes.wait) }]
        parts.append(ServerPart(description: "StateLookups") { await lookups.run() })
        parts.append(ServerPart(description: "DashboardFeed") { await cancelWhenGracefulShutdown { await feed.run() } })
        parts.append(try listener(addMain, at: listen, .main))
        if servesArtifacts, let adminListen {
            parts.append(try listener(addAdminAlone, at: adminListen, .admin))
        }
        // Services stop in reverse order: this one ends all waits with the origin, and streams, before the listeners stop, which would otherwise wait
        // for them.
        parts.append(
            ServerPart(description: "WaitsEnd") {
                try await gracefulShutdown()
                redirects.close()
                feed.close()
            })
        var settings = ServiceGroupConfiguration(
            services: parts.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
            }, logger: logger)
        settings.maximumGracefulShutdownDuration = configuration.shutdownGrace
        try await ServiceGroup(configuration: settings).run()
    }

    // MARK: What can change while it runs

    /// Admin calls need one of these tokens from now on.
    package func reload(adminTokens tokens: [String]) {
        adminTokens.replace(with: AdminTokens(tokens))
    }

    /// New connections use this context from now on. A server without TLS stays without it.
    package func reload(tls context: NIOSSLContext) {
        tls?.replace(with: context)
    }

    /// To be called after a change to settings that decide which artifacts are redirected, and where: no answer from before the change is given
    /// from memory.
    package func forgetAnswers() {
        table.beginEpoch()
        coalescing.beginEpoch()
    }

    // MARK: Putting it together

    /// How many connections the listener's event loop accepts at a time. With NIO's default, new clients wait while thousands of connections keep the
    /// loop busy.
    private static let connectionsPerRead: UInt = 64

    private func listener(
        _ addRoutes: (Router<MirrorRequestContext>) -> Void, at address: ListenAddress, _ listener: Listener
    ) throws -> ListenerService {
        let (tls, selector, onRunning, metrics) = (tls, services.selector, onRunning, connectionMetrics)
        // Each listener limits its own connections.
        let shares = AddressShares(
            limit: configuration.connectionsPerAddress, isExempt: { selector.value.standsForMany($0) }, metrics: metrics, logger: logger)
        let connections = ConnectionTasks()
        let server = HTTPServerBuilder { responder -> any ServerChildChannel in channel(responder, shares, connections, listener) }
        let application = Application(
            responder: router(addRoutes).buildResponder(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil, backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections)),
            onServerRunning: { channel in
                guard let address = channel.localAddress else { return }
                try? await channel.eventLoop.submit {
                    try channel.syncOptions?.setOption(.maxMessagesPerRead, value: Self.connectionsPerRead)
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(metrics: metrics, logger: logger), position: .first)
                }.get()
                logger.notice(
                    "listening",
                    metadata: [
                        "listener": "\(listener.rawValue)", "address": "\(address.ipAddress ?? ""):\(address.port ?? 0)",
                        "tls": .stringConvertible(tls != nil),
                    ])
                await onRunning(listener, ListenAddress(host: address.ipAddress ?? "localhost", port: address.port ?? 0))
            },
            eventLoopGroupProvider: .shared(group), logger: ListenerLogHandler.around(logger))
        return ListenerService(application: application, connections: connections, listener: listener, address: address)
    }

    private func channel(
        _ responder: @escaping HTTPChannelHandler.Responder, _ shares: AddressShares, _ connections: ConnectionTasks, _ listener: Listener
    ) -> MirrorChannel {
        // A listener without redirects has none in memory either.
        let usesFastPath = usesFastPath && servesArtifacts && listener == .main
        let slowPath = SlowPath(
            responder: responder, tasks: connections,
            bodyTimeout: .nanoseconds(configuration.bodyTimeout.wholeMilliseconds * 1_000_000), clock: services.clock,
            logger: ListenerLogHandler.around(logger))
        return MirrorChannel(
            slowPath: slowPath, table: usesFastPath ? table : nil, coalescing: usesFastPath ? coalescing : nil,
            lookups: usesFastPath ? lookups : nil, pools: services.pools,
            selector: services.selector, shares: shares, tasks: connections, metrics: connectionMetrics,
            expectsProxyHeader: configuration.proxyProtocol && listener == .main, tls: tls,
            uses: TargetUses(recorder: services.uses, services: services), clock: services.clock,
            idleTimeout: .nanoseconds(configuration.idleTimeout.wholeMilliseconds * 1_000_000), readsTraces: services.tracer != nil,
            maxHeaderBytes: Int(configuration.maxHeaderBytes))
    }

    private func addAdminAlone(to router: Router<MirrorRequestContext>) {
        // `publicURL` is where clients request artifacts, which this listener does not serve.
        ServiceRoutes(services: services, publicURL: nil, isTLS: tls != nil).register(on: router)
        let site = Site(isPublic: false, hasDashboard: hasDashboard)
        if hasDashboard { AssetRoutes().register(on: router) }
        addAdmin(to: router, site, isHTTPS: tls != nil)
    }

    /// The routes behind the error middleware. It must know all routes, so they are first added to a second router that only lists them.
    private func router(_ addRoutes: (Router<MirrorRequestContext>) -> Void) -> Router<MirrorRequestContext> {
        let (list, router) = (Router(context: MirrorRequestContext.self), Router(context: MirrorRequestContext.self))
        addRoutes(list)
        // The first of them, so that it sees every answer.
        if let tracer = services.tracer {
            router.add(middleware: TraceMiddleware(tracer: tracer, selector: services.selector, isTLS: tls != nil))
        }
        router.add(middleware: ErrorMiddleware(clock: services.clock, allowed: AllowedMethods(list), troubles: troubles))
        addRoutes(router)
        return router
    }

    private func addMain(to router: Router<MirrorRequestContext>) {
        ServiceRoutes(services: services, publicURL: publicURL, isTLS: tls != nil)
            .register(on: router, hasReferences: servesArtifacts)
        guard servesArtifacts else { return MetricsRoute(services: services, figures: figures).register(on: router) }
        let address = PublicAddress(publicURL: publicURL, isTLS: tls != nil)
        let site = Site(isPublic: true, hasDashboard: hasDashboard && adminListen == nil)
        AssetRoutes().register(on: router)
        HomeRoutes(services: services, address: address, site: site).register(on: router)
        ClientsRoutes(services: services, address: address, site: site).register(on: router)
        redirectRoutes.register(on: router)
        NamedRoutes(
            services: services, redirects: redirectRoutes, metrics: namedMetrics, relays: relays, publicURL: publicURL,
            isTLS: tls != nil, troubles: troubles
        ).register(on: router)
        LocalObjectRoutes(
            services: services, sendsFiles: tls == nil, publicURL: publicURL, redirectStatus: redirectStatus, troubles: troubles
        ).register(on: router)
        if adminListen == nil { addAdmin(to: router, site, isHTTPS: tls != nil || publicURL?.hasPrefix("https://") == true) }
    }

    private var redirectRoutes: RedirectRoutes {
        RedirectRoutes(
            services: services, table: usesFastPath ? table : nil, coalescing: coalescing, publicURL: publicURL, status: redirectStatus)
    }

    /// - Parameter isHTTPS: Whether clients reach the listener by HTTPS, as far as the configuration says.
    private func addAdmin(to router: Router<MirrorRequestContext>, _ site: Site, isHTTPS: Bool) {
        MetricsRoute(services: services, figures: figures).register(on: router)
        let admin = router.group().add(
            middleware: AdminAuthentication(tokens: adminTokens, refusals: refusals, selector: services.selector))
        AdminRoutes(services: services).register(on: admin)
        StatusRoutes(services: services).register(on: admin)
        WhichRoute(services: services).register(on: admin)
        guard site.hasDashboard else { return }
        DashboardRoutes(
            services: services, sessions: sessions, figures: dashboardFigures, feed: dashboardFeed, refusals: refusals, site: site,
            isHTTPS: isHTTPS
        ).register(on: router)
    }
}
