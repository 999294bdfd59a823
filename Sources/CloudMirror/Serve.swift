import Logging
import MirrorCore
import MirrorEngine
import MirrorServer
import MirrorState
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Runs the service until it is told to stop (SIGTERM, SIGINT); SIGHUP makes it read its configuration again.
///
/// The order of the services is the shutdown design; they stop last to first: the server stops accepting and answers who waits, then copies
/// end or are handed back, then what is left is written down, then the files close.
///
/// - Parameter hangups: From before `configuration` was read, so that a change since then is not missed.
/// - Parameter load: Reads the configuration again; `nil` where there is no file.
/// - Throws: ``StartError`` when it cannot start.
package func serve(
    _ configuration: Configuration, as role: ProcessRole = .frontEnd, log: LogOutput, hangups: Hangups,
    load: (@Sendable () throws -> Configuration)?
) async throws {
    ProcessTuning.limitHeaps()
    ProcessTuning.raiseDescriptorLimit()
    let logger = Logger(label: "cloud-mirror")
    for warning in configuration.warnings { logger.warning("warning about the configuration", metadata: ["problem": "\(warning)"]) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: ProcessTuning.processorCount)
    let parts = try await MirrorParts(configuration, role: role, group: group, logger: logger)
    logger.notice(
        "starting",
        metadata: [
            "version": "\(CloudMirrorVersion.current)", "role": "\(role.words)", "worker": "\(parts.workerName)",
            "copies": .stringConvertible(parts.workers != nil), "pools": .array(configuration.pools.map { "\($0.id)" }),
        ])
    let metrics = HousekeepingMetrics(factory: parts.services.registry)
    log.writer.countDrops { metrics.countDroppedLogLines($0) }
    let announcement = Announcement(configuration, log: log.writer)
    let server = MirrorServer(
        services: parts.services, configuration: parts.serverConfiguration(), tls: try configuration.tlsContext(), group: group,
        logger: logger
    ) { listener, address in
        if listener == (configuration.admin.listen == nil ? .main : .admin) {
            parts.localToken?.keep(configuration.admin.localToken, for: ListenAddress(address))
        }
        if listener == .main { announcement.listening(at: ListenAddress(address), localToken: parts.localToken?.path) }
    }
    let (waiterChanges, budgetChanges) = (await parts.state.changes(), await parts.state.changes())
    var services: [any Service] = [
        ServicePart { await parts.state.run() },
        ServicePart { await parts.services.waiters.run(waiterChanges) },
        ServicePart { await parts.services.redirects.coldClaims.run(budgetChanges) },
        ServicePart { await parts.services.uses.run() },
        ServicePart { await parts.services.health.run() },
        parts.sweeper,
    ]
    if let redis = parts.redis, case .redis(let settings) = configuration.state {
        let client = try RedisParts.client(settings)
        services.append(ServicePart { await reportOnRedis(redis, client, group: group, logger: logger) })
    }
    if let workers = parts.workers { services.append(workers) }
    if let registration = parts.registration { services.append(registration) }
    services.append(server)
    services.append(
        Reloader(hangups: hangups, load: load, parts: parts, server: server, log: log, metrics: metrics, logger: logger))
    services.append(StopNotice(services: parts.services, grace: configuration.server.shutdownGrace, logger: logger))
    var settings = ServiceGroupConfiguration(
        services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    settings.maximumGracefulShutdownDuration = configuration.server.shutdownGrace
    let outcome: Result<Void, any Error>
    do {
        try await ServiceGroup(configuration: settings).run()
        outcome = .success(())
    } catch let error as ListenError {
        outcome = .failure(StartError(error, role))
    } catch {
        outcome = .failure(error)
    }
    await parts.close()
    try await group.shutdownGracefully()
    logger.notice("stopped")
    hangups.end()
    try outcome.get()
}
