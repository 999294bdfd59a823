import ServiceLifecycle

/// Asks on for crowds whose first request has been sent on, to ourselves or to the origin.
struct CrowdService: Service, CustomStringConvertible {
    private let crowds: Crowds
    private let routes: RedirectRoutes

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "CrowdService" }

    init(_ crowds: Crowds, _ routes: RedirectRoutes) {
        self.crowds = crowds
        self.routes = routes
    }

    func run() async {
        await crowds.run(routes.waitOn)
    }
}
