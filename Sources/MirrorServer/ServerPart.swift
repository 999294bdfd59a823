import ServiceLifecycle

/// Something that the server does besides listening.
struct ServerPart: Service, CustomStringConvertible {
    /// For the log of the services, which would otherwise show everything reachable from here.
    let description: String
    let body: @Sendable () async throws -> Void

    func run() async throws { try await body() }
}
