import Logging
import ServiceLifecycle

/// A service ended although the process was not told to stop.
struct ServiceEnded: Error, CustomStringConvertible {
    let name: String

    var description: String { "a part of the service ended unexpectedly: \(name)" }
}

/// A service of the process that is abandoned if it does not end in time (``ExitWatch``).
struct WatchedService: Service, CustomStringConvertible {
    /// Shown in the log if the service keeps the process from ending.
    let name: String
    let watch: ExitWatch
    private let body: @Sendable () async throws -> Void

    /// For the service group's log, which would otherwise print everything that is reachable from here.
    var description: String { name }

    /// A service that runs until it is cancelled, by a graceful shutdown or directly.
    init(_ name: String, _ watch: ExitWatch, _ body: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.watch = watch
        self.body = { try await cancelWhenGracefulShutdown(body) }
    }

    /// A service that handles graceful shutdown itself.
    init(_ name: String, _ watch: ExitWatch, _ service: any Service) {
        self.name = name
        self.watch = watch
        body = { try await service.run() }
    }

    func run() async throws {
        try await watch.watch(name, body)
        guard Task.isCancelled || Task.isShuttingDownGracefully else { throw ServiceEnded(name: name) }
    }
}

extension ServiceGroupConfiguration {
    /// The services of one process, which stop last to first. If one fails, the others stop in the same order, so that waiting clients are answered,
    /// and the failure is thrown afterwards.
    init(_ services: [WatchedService], grace: Duration, logger: Logger) {
        self.init(services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }, logger: logger)
        maximumGracefulShutdownDuration = grace
    }
}
