import ServiceLifecycle

/// Something that the server does beside listening.
struct ServerPart: Service, CustomStringConvertible {
    /// For the log of the services, which would otherwise show everything that is reachable from here.
    let description: String
    let body: @Sendable () async throws -> Void

    func run() async throws { try await body() }
}
