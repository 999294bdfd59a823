import Logging
import MirrorCore
import MirrorEngine
import MirrorServer
import MirrorState
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Runs the service until it is told to stop (SIGTERM, SIGINT); SIGHUP makes it read its configuration again.
///
/// The order of the services is the shutdown design; they stop last to first, also when one of them has failed: who waits is answered, the server stops
/// accepting, then copies end or are handed back, then what is left is written down, then the files close. Whatever hangs in between, the process
/// ends in time (``ExitWatch``).
///
/// - Parameter hangups: From before `configuration` was read, so that a change since then is not missed.
/// - Parameter load: Reads the configuration again; `nil` where there is no file.
/// - Throws: ``StartError`` when it cannot start.
package func serve(
    _ configuration: Configuration, as role: ProcessRole = .frontEnd, log: LogOutput, hangups: Hangups,
    load: (@Sendable () throws -> Configuration)?
) async throws {
    ProcessTuning.apply()
    let logger = Logger(label: "cloud-mirror")
    for warning in configuration.warnings { logger.warning("warning about the configuration", metadata: ["problem": "\(warning)"]) }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: ProcessTuning.processorCount)
    let parts = try await MirrorComposition(configuration, role: role, group: group, logger: logger)
    logger.notice(
        "starting",
        metadata: [
            "version": "\(CloudMirrorVersion.current)", "role": "\(role.rawValue)", "worker": "\(parts.workerName)",
            "copies": .stringConvertible(parts.workers != nil), "pools": .array(configuration.pools.map { "\($0.id)" }),
        ])
    let metrics = HousekeepingMetrics(factory: parts.services.registry)
    log.writer.countDrops { metrics.countDroppedLogLines($0) }
    let announcement = Announcement(configuration: configuration, log: log.writer)
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
    let watch = ExitWatch(grace: configuration.server.shutdownGrace, log: log.writer, logger: logger)
    var services: [ServicePart] = [
        ServicePart("state", watch) { await parts.state.run() },
        ServicePart("waiting requests", watch) { await parts.services.waiters.run(waiterChanges) },
        ServicePart("budgets", watch) { await parts.services.redirects.coldClaims.run(budgetChanges) },
        ServicePart("uses", watch) { await parts.services.uses.run() },
        ServicePart("pool health", watch) { await parts.services.health.run() },
        ServicePart("sweep", watch, parts.sweeper),
    ]
    if let redis = parts.redis, case .redis(let settings) = configuration.state {
        let client = try RedisParts.client(settings)
        services.append(ServicePart("redis report", watch) { await reportOnRedis(redis, client, group: group, logger: logger) })
    }
    if let workers = parts.workers { services.append(ServicePart("copies", watch, workers)) }
    if let registration = parts.registration { services.append(ServicePart("registration", watch, registration)) }
    let reloader = Reloader(hangups: hangups, load: load, parts: parts, server: server, log: log, metrics: metrics, logger: logger)
    services.append(ServicePart("reload", watch, reloader))
    services.append(ServicePart("server", watch, server))
    let notice = StopNotice(services: parts.services, watch: watch, grace: configuration.server.shutdownGrace, logger: logger)
    services.append(ServicePart("stop notice", watch, notice))
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
    // The event loops end with the process: what hangs may still need them, such as a trial whether a silent pool is back.
    let isClosed: Void? = try? await leaving(after: watch.timeLeft, by: SystemClock()) {
        await parts.close()
    }
    hangups.end()
    // A failure has last words of its own.
    try outcome.get()
    watch.finish(isClosed: isClosed != nil)
}
