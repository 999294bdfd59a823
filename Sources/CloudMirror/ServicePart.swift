import ServiceLifecycle

/// A part of the process that runs until it is cancelled: by graceful shutdown, or for good.
struct ServicePart: Service {
    let body: @Sendable () async throws -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown(body)
    }
}
