import MirrorCore

/// The answer of `GET /v1/api-reference`: the routes below `/v1`.
enum APIReference {
    private static let base = "/v1"

    /// - Parameter address: The mirror's own, as clients write it: `https://host:port`.
    static func answer(at address: String) -> ReferenceCall.Answer {
        ReferenceCall.Answer(
            schema: "http://schemas.taskcluster.net/base/v1/api-reference.json#", version: 0, title: "cloud-mirror",
            description: "Copies immutable artifacts into the client's region and redirects to the copies.", serviceName: "cloud-mirror",
            baseURL: address + base, entries: Route.all.compactMap(entry))
    }

    /// - Returns: `nil` for a route that is not below the base URL.
    private static func entry(of route: Route) -> ReferenceCall.Entry? {
        guard route.path.hasPrefix(base + "/") else { return nil }
        return ReferenceCall.Entry(
            type: "function", method: route.method,
            route: String(route.path.dropFirst(base.count)).replacing("{", with: "<").replacing("}", with: ">"),
            args: route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) },
            query: route.query, name: route.name, title: route.title, description: route.title,
            stability: route.isOfTheOriginal ? "stable" : "experimental", admin: route.isAdmin)
    }

    struct Route {
        let method: String
        /// The whole path, with arguments as `{name}`.
        let path: String
        let query: [String]
        let name: String
        let title: String
        let isOfTheOriginal: Bool
        let isAdmin: Bool

        private init(
            _ method: String, _ path: String, _ name: String, _ title: String, query: [String] = [], original: Bool = false,
            admin: Bool = false
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.name = name
            self.title = title
            isOfTheOriginal = original
            isAdmin = admin
        }

        static let all: [Route] = [
            Route(
                "get", "/v1/redirect/{service}/{region}/{url}", "redirect",
                "Redirect to the replica in a pool; copies it first if necessary.", query: ["wait", "missing"], original: true),
            Route(
                "get", "/v1/redirect/{url}", "redirectChosen", "The same, in the pool that serves the client.",
                query: ["wait", "pool", "missing"]),
            Route("get", "/o/{name}/{path}", "named", "The resource at a path of a named origin or an allowed host."),
            Route("post", "/o/{name}/{path}", "namedPost", "The same for a POST, which is passed to the origin."),
            Route("get", "/v1/go", "go", "The same for a plain URL, in a form field.", query: ["url", "pool", "show"]),
            Route("get", "/", "home", "What this service is: a page for browsers, text for other clients."),
            Route("get", "/local/{region}/{hash}/{name}", "localObject", "An object of a local pool."),
            Route(
                "delete", "/v1/purge/{service}/{region}/{url}", "purge", "Remove a replica from a pool.", original: true, admin: true),
            Route("delete", "/v1/purge/{url}", "purgeAll", "Remove an artifact's replicas from all pools.", admin: true),
            Route("post", "/v1/warm", "warm", "Queue copies ahead of use.", admin: true),
            Route("get", "/v1/replicas", "replicas", "List replicas.", query: ["pool", "state", "limit", "after"], admin: true),
            Route("get", "/v1/replicas/{service}/{region}/{url}", "replica", "One replica.", query: ["explain"], admin: true),
            Route(
                "get", "/v1/replicas/{url}", "replicasOfArtifact", "An artifact's replicas in all pools.", query: ["explain"], admin: true),
            Route("get", "/v1/pools", "pools", "List pools with what they hold.", admin: true),
            Route("get", "/v1/stats", "stats", "Counts since startup.", admin: true),
            Route(
                "get", "/v1/which", "which", "Which pool a client at an address gets, and why.", query: ["address"], admin: true),
            Route("get", "/v1/clients", "clients", "The configuration of clients for the named origins."),
            Route("get", "/clients", "clientsPage", "The same: a page for browsers, text for other clients."),
            Route("get", "/dashboard", "dashboard", "The dashboard: a page for people who have logged in with an admin token."),
            Route("get", "/v1/ping", "ping", "Answers while the process is alive.", original: true),
            Route("get", "/v1/api-reference", "apiReference", "This document.", original: true),
            Route("get", "/v1/openapi.yaml", "openAPI", "The interface as OpenAPI 3.1."),
            Route("get", "/healthz", "health", "Liveness."),
            Route("get", "/readyz", "ready", "Readiness: state and pools."),
            Route("get", "/metrics", "metrics", "Prometheus metrics."),
        ]
    }
}
