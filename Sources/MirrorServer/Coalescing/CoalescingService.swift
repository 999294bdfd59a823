import ServiceLifecycle

/// Waits on behalf of coalesced requests whose first one has been redirected, to the mirror itself or to the origin.
struct CoalescingService: Service, CustomStringConvertible {
    private let coalescing: CoalescingTable
    private let routes: RedirectRoutes

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    var description: String { "CoalescingService" }

    init(_ coalescing: CoalescingTable, _ routes: RedirectRoutes) {
        self.coalescing = coalescing
        self.routes = routes
    }

    func run() async {
        await coalescing.run(routes.wait)
    }
}
