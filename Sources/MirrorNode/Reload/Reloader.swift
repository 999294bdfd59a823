import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorSettings
import MirrorSystem
import NIOPosix
import ServiceLifecycle

/// Rereads the configuration on request, and applies what can change without a restart.
///
/// A file with a problem changes nothing. Connections stay open; running requests are answered with the settings that they started with.
/// Requests that arrive during a reload count as one. Ends on graceful shutdown.
struct Reloader: Service {
    let hangups: Hangups
    let load: (@Sendable () throws -> Configuration)?
    let mirror: MirrorComposition
    let server: MirrorServer
    let log: LogOutput
    let redirectLog: RedirectLogFile
    let metrics: HousekeepingMetrics
    let manager: ServiceManager?
    let logger: Logger

    func run() async throws {
        recordLoaded()
        var current = mirror.configuration
        let (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in hangups.signals.cancelOnGracefulShutdown() { wish.yield() }
                wish.finish()
            }
            for await _ in wishes { current = await next(after: current) }
        }
    }

    private func next(after current: Configuration) async -> Configuration {
        if hangups.isTerminalGone {
            logger.notice("the terminal was closed")
            hangups.terminate()
            return current
        }
        guard let load else {
            logger.notice("nothing to reload: there is no configuration file")
            return current
        }
        manager?.notify(.reloading)
        defer { manager?.notify(.ready) }
        do {
            let loaded = try await NIOThreadPool.singleton.runIfActive(load)
            let next = current.reloaded(from: loaded)
            let redirects = try await NIOThreadPool.singleton.runIfActive { [redirectLog] in try redirectLog.open(next.log.redirects) }
            try set(next, instead: current)
            redirectLog.begin(redirects)
            metrics.countReload(isRefused: false)
            recordLoaded()
            tell(changed: next.differences(from: current), needRestart: loaded.differences(from: next), loaded.warnings)
            return next
        } catch {
            metrics.countReload(isRefused: true)
            let problems = (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
            for problem in problems { logger.error("problem in the configuration", metadata: ["problem": "\(problem)"]) }
            logger.error(
                "the configuration was not reloaded; the old one stays in force", metadata: ["problems": .stringConvertible(problems.count)]
            )
            return current
        }
    }

    /// Applies everything, or nothing if some part of it cannot be made.
    private func set(_ next: Configuration, instead current: Configuration) throws(StartError) {
        let tls = try next.tlsContext()
        try mirror.replaceOrigins(with: next)
        mirror.selection.replaceSettings(with: next.selection)
        if next.origins != current.origins || next.selection != current.selection { server.forgetAnswers() }
        mirror.services.redirects.reload(next.redirect)
        for pool in next.pools { mirror.services.pools[pool.id]?.replaceLimits(with: next.limits(of: pool)) }
        mirror.services.uses.reload(coarseness: next.useCoarseness)
        mirror.learning.reload(next, instead: current)
        mirror.localToken?.keep(next.admin.localToken)
        server.reload(adminTokens: mirror.adminTokens(next))
        if let tls, next.tls != current.tls { server.reload(tls: tls) }
        log.logLevel = next.log.level
    }

    private func tell(changed: [String], needRestart: [String], _ warnings: [SettingsProblem]) {
        for warning in warnings { logger.warning("warning about the configuration", metadata: ["problem": "\(warning)"]) }
        logger.notice("configuration reloaded", metadata: ["changed": .array(changed.map { .string($0) })])
        guard !needRestart.isEmpty else { return }
        logger.warning("some changes take effect only after a restart", metadata: ["settings": .array(needRestart.map { .string($0) })])
    }

    private func recordLoaded() {
        metrics.recordLoaded(at: Double(mirror.services.clock.now.milliseconds) / 1_000)
    }
}
