import Logging
import MirrorEngine
import MirrorServer
import MirrorSystem
import ServiceLifecycle

/// Logs what the process waits for when it is told to stop or a part has failed. Must be the last of the services, which is stopped first, before
/// waiting clients are answered.
struct StopNotice: Service {
    let services: MirrorServices
    let watch: ExitWatch
    let grace: Duration
    let manager: ServiceManager?
    let logger: Logger

    func run() async throws {
        // Also if all services are cancelled.
        defer { watch.begin() }
        try await gracefulShutdown()
        watch.begin()
        manager?.notify(.stopping)
        let waiting = services.waiters.count
        let copies = services.registry.values(of: EngineMetrics.Name.copiesInProgress).reduce(0) { $0 + Int($1.value) }
        logger.notice(
            "stopping; requests and copies in progress may finish",
            metadata: [
                "waiting_requests": .stringConvertible(waiting), "copies": .stringConvertible(copies),
                "at_most_seconds": .stringConvertible(grace),
            ])
    }
}
