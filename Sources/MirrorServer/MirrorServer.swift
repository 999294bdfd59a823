import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
package import MirrorCore
package import MirrorEngine
import MirrorState
import NIOCore
package import NIOPosix
package import NIOSSL
import ServiceLifecycle

/// The HTTP interface: one listener, or two when admin calls have their own.
///
/// On graceful shutdown, and when a listener fails, it ends every wait with a redirect to the origin, stops accepting, and lets answers under way be finished.
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
    /// Lines of the log.
    private let troubles: LineBudget
    private let figures: SharedLooks<String, Void>
    /// `nil` for a server without TLS.
    private let tls: Reloadable<NIOSSLContext>?
    let coalescing: CoalescingTable
    private let lookups: StateLookups
    private let connectionMetrics: ConnectionMetrics
    private let namedMetrics: NamedMetrics
    private let usesFastPath: Bool
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let onRunning: @Sendable (Listener, ListenAddress) async -> Void

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    package var description: String { "MirrorServer" }

    package enum Listener: String, Sendable {
        case main, admin
    }

    /// - Parameter adminListen: Of a listener of its own for admin calls; `nil` shares the main one.
    /// - Parameter publicURL: How clients reach this service, without a slash at the end; `nil` makes locations of local objects relative.
    /// - Parameter servesArtifacts: Whether it redirects and serves objects; a process that only copies answers about itself alone.
    /// - Parameter tls: What new connections are greeted with; `nil` for HTTP without TLS.
    /// - Parameter usesFastPath: `false` sends everything through Hummingbird; for the tests that compare the two.
    /// - Parameter onRunning: Called once a listener accepts connections, with its address.
    package init(
        services: MirrorServices, configuration: ServerConfiguration, listen: ListenAddress, adminListen: ListenAddress?,
        adminTokens: [String], publicURL: String?, servesArtifacts: Bool, redirectStatus: RedirectConfiguration.Status,
        tls: NIOSSLContext? = nil, usesFastPath: Bool = true, group: MultiThreadedEventLoopGroup, logger: Logger,
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
        self.tls = tls.map { Reloadable($0) }
        namedMetrics = NamedMetrics(factory: services.registry)
        connectionMetrics = ConnectionMetrics(factory: services.registry)
        table = FastPathTable(
            index: services.state, forms: AnswerForms(status: self.redirectStatus, registry: services.registry))
        coalescing = CoalescingTable(
            redirects: services.redirects, selector: services.selector, metrics: services.metrics, clock: services.clock)
        lookups = StateLookups(services: services, table: table, publicURL: publicURL)
        let coalescing = coalescing
        services.state.addObserver { coalescing.invalidate($0) }
    }

    package func run() async throws {
        let (coalescing, lookups, routes, redirects) = (coalescing, lookups, redirectRoutes, services.redirects)
        // Waits on behalf of coalesced requests whose first one has been redirected. Those behind it end first, and cannot before it has
        // answered whoever waits.
        var parts: [any Service] = [ServerPart(description: "CoalescingService") { await coalescing.run(routes.wait) }]
        parts.append(ServerPart(description: "StateLookups") { await lookups.run() })
        parts.append(try listener(addMain, at: listen, .main))
        if servesArtifacts, let adminListen {
            parts.append(try listener(addAdminAlone, at: adminListen, .admin))
        }
        // Answers everybody who waits with the origin, before the listeners stop, which would wait for that: the last is stopped first.
        parts.append(
            ServerPart(description: "WaitsEnd") {
                try await gracefulShutdown()
                redirects.close()
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

    /// Admin calls need one of these from now on.
    package func reload(adminTokens tokens: [String]) {
        adminTokens.replace(with: AdminTokens(tokens))
    }

    /// Connections that come from now on are greeted with this. A server without TLS stays without.
    package func reload(tls context: NIOSSLContext) {
        tls?.replace(with: context)
    }

    /// To be called after the settings have changed that decide which artifacts are redirected, and where to: nothing is answered from the
    /// memory of what was so before.
    package func forgetAnswers() {
        table.beginEpoch()
        coalescing.beginEpoch()
    }

    // MARK: Putting it together

    /// Connections that are accepted each time that the listener's event loop comes to it. With NIO's few, new clients wait while thousands keep
    /// the loop busy.
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
        MirrorChannel(
            responder: responder, table: usesFastPath ? table : nil, coalescing: usesFastPath ? coalescing : nil,
            lookups: usesFastPath ? lookups : nil, pools: services.pools,
            selector: services.selector, shares: shares, tasks: connections, metrics: connectionMetrics,
            expectsProxyHeader: configuration.proxyProtocol && listener == .main, tls: tls,
            uses: TargetUses(recorder: services.uses, services: services), clock: services.clock,
            idleTimeout: .nanoseconds(configuration.idleTimeout.wholeMilliseconds * 1_000_000),
            bodyTimeout: .nanoseconds(configuration.bodyTimeout.wholeMilliseconds * 1_000_000),
            maxHeaderBytes: Int(configuration.maxHeaderBytes))
    }

    private func addAdminAlone(to router: Router<MirrorRequestContext>) {
        // `publicURL` is where artifacts are asked for, and that is not here.
        ServiceRoutes(services: services, publicURL: nil, isTLS: tls != nil).register(on: router)
        addAdmin(to: router)
    }

    /// Routes behind the middleware for errors, which knows them: they are added to a router that only tells of them first.
    private func router(_ addRoutes: (Router<MirrorRequestContext>) -> Void) -> Router<MirrorRequestContext> {
        let (list, router) = (Router(context: MirrorRequestContext.self), Router(context: MirrorRequestContext.self))
        addRoutes(list)
        router.add(middleware: ErrorMiddleware(clock: services.clock, allowed: AllowedMethods(list), troubles: troubles))
        addRoutes(router)
        return router
    }

    private func addMain(to router: Router<MirrorRequestContext>) {
        ServiceRoutes(services: services, publicURL: publicURL, isTLS: tls != nil)
            .register(on: router, hasReferences: servesArtifacts)
        guard servesArtifacts else { return MetricsRoute(services: services, figures: figures).register(on: router) }
        let address = PublicAddress(publicURL: publicURL, isTLS: tls != nil)
        HomeRoutes(services: services, address: address).register(on: router)
        ClientsRoutes(services: services, address: address).register(on: router)
        redirectRoutes.register(on: router)
        NamedRoutes(
            services: services, redirects: redirectRoutes, metrics: namedMetrics, publicURL: publicURL, isTLS: tls != nil,
            troubles: troubles
        ).register(on: router)
        LocalObjectRoutes(
            services: services, sendsFiles: tls == nil, publicURL: publicURL, redirectStatus: redirectStatus, troubles: troubles
        ).register(on: router)
        if adminListen == nil { addAdmin(to: router) }
    }

    private var redirectRoutes: RedirectRoutes {
        RedirectRoutes(
            services: services, table: usesFastPath ? table : nil, coalescing: coalescing, publicURL: publicURL, status: redirectStatus)
    }

    private func addAdmin(to router: Router<MirrorRequestContext>) {
        MetricsRoute(services: services, figures: figures).register(on: router)
        let admin = router.group().add(
            middleware: AdminAuthentication(tokens: adminTokens, refusals: refusals, selector: services.selector))
        AdminRoutes(services: services).register(on: admin)
        StatusRoutes(services: services).register(on: admin)
        WhichRoute(services: services).register(on: admin)
    }
}
