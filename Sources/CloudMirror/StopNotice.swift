import Logging
import MirrorEngine
import MirrorServer
import ServiceLifecycle

/// Answers everybody who waits, as soon as the process is told to stop, and says what it waits for then. To be the first that is stopped: the last
/// of the services.
struct StopNotice: Service, CustomStringConvertible {
    let services: MirrorServices
    let watch: ExitWatch
    let grace: Duration
    let logger: Logger

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "StopNotice" }

    func run() async throws {
        // Also when another part has failed, and all are cancelled.
        defer { watch.begin() }
        try await gracefulShutdown()
        watch.begin()
        let waiting = services.waiters.count
        services.redirects.close()
        let copies = services.registry.values(of: EngineMetrics.Name.copiesInProgress).reduce(0) { $0 + Int($1.value) }
        logger.notice(
            "stopping; requests and copies under way may end",
            metadata: [
                "waiting_requests": .stringConvertible(waiting), "copies": .stringConvertible(copies),
                "at_most_seconds": .stringConvertible(grace),
            ])
    }
}
