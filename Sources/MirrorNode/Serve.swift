import Logging
import MirrorCore
import MirrorEngine
import MirrorServer
import MirrorState
import MirrorSystem
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Runs the service until it is told to stop (SIGTERM, SIGINT); SIGHUP makes it reread its configuration.
///
/// The order of the services is the shutdown sequence. They stop last to first, also if one of them has failed: waiting clients are answered, the
/// server stops accepting, copies end or are handed back, pending writes are done, files are closed. The process ends in time, even if something
/// hangs (``ExitWatch``).
///
/// - Parameter hangups: Created before `configuration` was read, so that no later change is missed.
/// - Parameter load: Rereads the configuration; `nil` without a file.
/// - Throws: ``StartError`` when it cannot start.
package func serve(
    _ configuration: Configuration, as role: ProcessRole = .frontEnd, log: LogOutput, hangups: Hangups,
    load: (@Sendable () throws -> Configuration)?
) async throws {
    ProcessTuning.apply()
    let logger = Logger(label: "cloud-mirror")
    for warning in configuration.warnings { logger.warning("warning about the configuration", metadata: ["problem": "\(warning)"]) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: ProcessTuning.processorCount)
    let mirror = try await MirrorComposition(configuration, role: role, group: group, logger: logger)
    logger.notice(
        "starting",
        metadata: [
            "version": "\(CloudMirrorVersion.current)", "role": "\(role.rawValue)", "worker": "\(mirror.workerName)",
            "copies": .stringConvertible(mirror.workers != nil), "pools": .array(configuration.pools.map { "\($0.id)" }),
        ])
    let metrics = HousekeepingMetrics(factory: mirror.services.registry)
    log.writer.countDrops { metrics.countDroppedLogLines($0) }
    let redirectLog = RedirectLogFile(of: mirror.services.redirects.redirectLog, isUsed: role.servesArtifacts, metrics: metrics)
    redirectLog.begin(try redirectLog.open(configuration.log.redirects))
    let manager = ServiceManager.current
    let announcement = Announcement(configuration: configuration, log: log.writer, manager: manager)
    let server = MirrorServer(
        services: mirror.services, configuration: configuration.server, listen: configuration.listen,
        adminListen: configuration.admin.listen, adminTokens: mirror.adminTokens(configuration), publicURL: configuration.locationBase,
        servesArtifacts: role.servesArtifacts, redirectStatus: configuration.redirect.status,
        hasDashboard: configuration.admin.dashboard, tls: try configuration.tlsContext(), group: group, logger: logger
    ) { listener, address in
        if listener == (configuration.admin.listen == nil ? .main : .admin) {
            mirror.localToken?.keep(configuration.admin.localToken, for: address)
        }
        if listener == .main { announcement.listening(at: address, localToken: mirror.localToken?.path) }
    }
    let (waiterChanges, budgetChanges) = (await mirror.state.changes(of: .results), await mirror.state.changes(of: .results))
    let copyChanges = await mirror.state.changes(of: .results)
    let watch = ExitWatch(grace: configuration.server.shutdownGrace, log: log.writer, logger: logger)
    var services: [WatchedService] = [
        WatchedService("state", watch) { await mirror.state.run() },
        WatchedService("waiting requests", watch) { await mirror.services.waiters.run(waiterChanges) },
        WatchedService("budgets", watch) { await mirror.services.redirects.coldClaims.run(budgetChanges, mirror.state) },
        WatchedService("learning", watch) { await mirror.learning.learner.run() },
        WatchedService("activity", watch) { await mirror.learning.recorder.run(copyChanges, mirror.state) },
        WatchedService("savings", watch) { await mirror.services.runSavings() },
        WatchedService("uses", watch) { await mirror.services.uses.run() },
        WatchedService("pool health", watch) { await mirror.services.health.run() },
        WatchedService("sweep", watch, mirror.sweeper),
        WatchedService("cloud regions", watch) { await mirror.regionUpdates.run() },
    ]
    if let redis = mirror.redis, case .redis(let settings) = configuration.state {
        services.append(
            WatchedService("redis report", watch) { await reportOnRedis(redis, settings.client, group: group, logger: logger) })
    }
    // It stops last, so that it has what the others recorded.
    if let traces = mirror.traces { services.insert(WatchedService("traces", watch, traces.exporter), at: 0) }
    if let workers = mirror.workers { services.append(WatchedService("copies", watch, workers)) }
    if let registration = mirror.registration { services.append(WatchedService("registration", watch, registration)) }
    let reloader = Reloader(
        hangups: hangups, load: load, mirror: mirror, server: server, log: log, redirectLog: redirectLog, metrics: metrics,
        manager: manager,
        logger: logger)
    services.append(WatchedService("reload", watch, reloader))
    services.append(WatchedService("server", watch, server))
    let notice = StopNotice(
        services: mirror.services, watch: watch, grace: configuration.server.shutdownGrace, manager: manager, logger: logger)
    services.append(WatchedService("stop notice", watch, notice))
    var settings = ServiceGroupConfiguration(services, grace: configuration.server.shutdownGrace, logger: logger)
    settings.gracefulShutdownSignals = [.sigterm, .sigint]
    watch.begin(with: settings.gracefulShutdownSignals.map(\.rawValue))
    let outcome: Result<Void, any Error>
    do {
        try await ServiceGroup(configuration: settings).run()
        outcome = .success(())
    } catch let error as ListenError {
        outcome = .failure(StartError(error, role))
    } catch {
        outcome = .failure(error)
    }
    // The event loops end with the process: a hanging part may still need them, such as a probe of a silent pool.
    let isClosed: Void? = try? await leaving(after: watch.timeLeft, by: SystemClock()) {
        await mirror.close()
    }
    hangups.end()
    redirectLog.flush(within: min(watch.timeLeft, .seconds(1)))
    // A failure is reported by the caller.
    try outcome.get()
    watch.finish(isClosed: isClosed != nil)
}
