import MirrorEngine
import ServiceLifecycle

/// Answers everybody who waits with the origin, before the listeners stop, which would wait for that: the last of their group, which is stopped first.
struct WaitsEnd: Service, CustomStringConvertible {
    let redirects: RedirectService

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "WaitsEnd" }

    func run() async throws {
        try await gracefulShutdown()
        redirects.close()
    }
}
