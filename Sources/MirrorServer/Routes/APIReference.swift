/// What `GET /v1/api-reference` tells: the routes below `/v1`, in the shape that clients of the original read.
///
/// - SeeAlso: `api-reference.json` of taskcluster-lib-api, and `docs/differences.md` for what goes beyond it.
struct APIReference: Encodable {
    let title = "cloud-mirror"
    let description = "Copies immutable artifacts into the reader's region and redirects to the copies."
    let schema = "http://schemas.taskcluster.net/base/v1/api-reference.json#"
    /// Of this format.
    let version = 0
    let serviceName = "cloud-mirror"
    /// What the routes of the entries are appended to.
    let baseURL: String
    let entries: [Entry]

    /// - Parameter address: The mirror's own, as its clients write it: `https://host:port`.
    init(at address: String) {
        baseURL = address + Self.base
        entries = Route.all.compactMap(Entry.init)
    }

    private static let base = "/v1"

    private enum CodingKeys: String, CodingKey {
        case title, description, version, serviceName, entries
        case schema = "$schema"
        case baseURL = "baseUrl"
    }

    struct Entry: Encodable {
        let type = "function"
        let method: String
        /// Behind the base URL, with arguments as `<name>`.
        let route: String
        /// Names of the arguments in the route, in its order.
        let args: [String]
        let query: [String]
        let name: String
        let title: String
        let description: String
        let stability: String
        /// Whether the call needs an admin token.
        let admin: Bool

        /// - Returns: `nil` for what does not stand below the base URL.
        init?(_ route: Route) {
            guard route.path.hasPrefix(APIReference.base + "/") else { return nil }
            method = route.method
            self.route = String(route.path.dropFirst(APIReference.base.count)).replacing("{", with: "<").replacing("}", with: ">")
            args = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
            query = route.query
            name = route.name
            title = route.title
            description = route.title
            stability = route.isOfTheOriginal ? "stable" : "experimental"
            admin = route.isAdmin
        }
    }

    /// One thing that can be asked.
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
                "Redirect to the replica in a pool; copies it first if need be.", query: ["wait", "missing"], original: true),
            Route(
                "get", "/v1/redirect/{url}", "redirectChosen", "The same, in the pool that serves the client.",
                query: ["wait", "pool", "missing"]),
            Route("get", "/v1/go", "go", "The same for a URL as it is, in a form's field.", query: ["url", "pool", "show"]),
            Route("get", "/", "home", "What this is: a page for browsers, text for others."),
            Route("get", "/local/{region}/{hash}/{name}", "localObject", "An object of a local pool."),
            Route(
                "delete", "/v1/purge/{service}/{region}/{url}", "purge", "Remove a replica from a pool.", original: true, admin: true),
            Route("delete", "/v1/purge/{url}", "purgeAll", "Remove an artifact's replicas from all pools.", admin: true),
            Route("post", "/v1/warm", "warm", "Queue copies ahead of use.", admin: true),
            Route("get", "/v1/replicas", "replicas", "List replicas.", query: ["pool", "state", "limit", "after"], admin: true),
            Route("get", "/v1/replicas/{service}/{region}/{url}", "replica", "One replica.", admin: true),
            Route("get", "/v1/replicas/{url}", "replicasOfArtifact", "An artifact's replicas in all pools.", admin: true),
            Route("get", "/v1/pools", "pools", "List pools with what they hold.", admin: true),
            Route("get", "/v1/stats", "stats", "Counts since the start.", admin: true),
            Route("get", "/v1/ping", "ping", "Answers while the process lives.", original: true),
            Route("get", "/v1/api-reference", "apiReference", "This document.", original: true),
            Route("get", "/v1/openapi.yaml", "openAPI", "The interface as OpenAPI 3.1."),
            Route("get", "/healthz", "health", "Liveness."),
            Route("get", "/readyz", "ready", "Readiness: state and pools."),
            Route("get", "/metrics", "metrics", "Prometheus metrics."),
        ]
    }
}
