import Logging
import MirrorEngine
import MirrorServer
import ServiceLifecycle

/// Says at once that the process was told to stop, and what it waits for. To be the first that is stopped: the last of the services.
struct StopNotice: Service, CustomStringConvertible {
    let services: MirrorServices
    let grace: Duration
    let logger: Logger

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "StopNotice" }

    func run() async throws {
        try await gracefulShutdown()
        let copies = services.registry.values(of: EngineMetrics.Name.copiesInProgress).reduce(0) { $0 + Int($1.value) }
        logger.notice(
            "stopping; requests and copies under way may end",
            metadata: [
                "waiting_requests": .stringConvertible(services.waiters.count), "copies": .stringConvertible(copies),
                "at_most_seconds": .stringConvertible(grace),
            ])
    }
}
