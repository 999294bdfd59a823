import Logging
import ServiceLifecycle

/// A service of the process ended although nobody had told it to.
struct ServiceEnded: Error, CustomStringConvertible {
    let name: String

    var description: String { "a part of the service ended unexpectedly: \(name)" }
}

/// A service of the process, which is left when it does not end in time (``ExitWatch``).
struct WatchedService: Service, CustomStringConvertible {
    /// For people who look why the process does not end.
    let name: String
    let watch: ExitWatch
    private let body: @Sendable () async throws -> Void

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { name }

    /// One that runs until it is cancelled: by graceful shutdown, or for good.
    init(_ name: String, _ watch: ExitWatch, _ body: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.watch = watch
        self.body = { try await cancelWhenGracefulShutdown(body) }
    }

    /// One that does something of its own on graceful shutdown.
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
    /// Services of one process, which stop last to first. When one of them fails the others are stopped in the same order, so that who waits is answered,
    /// and the failure is thrown after that.
    init(_ services: [WatchedService], grace: Duration, logger: Logger) {
        self.init(services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }, logger: logger)
        maximumGracefulShutdownDuration = grace
    }
}
