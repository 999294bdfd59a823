/// What `GET /v1/api-reference` tells: the routes, in the shape that the original's clients read.
struct APIReference: Encodable {
    struct Entry: Encodable {
        let type = "function"
        let method: String
        let route: String
        let name: String
        let title: String
        let description: String
        /// Whether the call needs an admin token.
        let admin: Bool
    }

    let title = "cloud-mirror"
    let description = "Copies immutable artifacts into the reader's region and redirects to the copies."
    let version = 1
    let entries: [Entry] = Self.all

    static let all: [Entry] = [
        entry("get", "/v1/redirect/{service}/{region}/{url}", "redirect", "Redirect to the replica in a pool; copies it first if need be."),
        entry("get", "/v1/redirect/{url}", "redirectChosen", "The same, in the pool that serves the client."),
        entry("get", "/local/{region}/{hash}/{name}", "localObject", "An object of a local pool."),
        entry("delete", "/v1/purge/{service}/{region}/{url}", "purge", "Remove a replica from a pool.", admin: true),
        entry("delete", "/v1/purge/{url}", "purgeAll", "Remove an artifact's replicas from all pools.", admin: true),
        entry("post", "/v1/warm", "warm", "Queue copies ahead of use.", admin: true),
        entry("get", "/v1/replicas", "replicas", "List replicas.", admin: true),
        entry("get", "/v1/replicas/{service}/{region}/{url}", "replica", "One replica.", admin: true),
        entry("get", "/v1/replicas/{url}", "replicasOfArtifact", "An artifact's replicas in all pools.", admin: true),
        entry("get", "/v1/pools", "pools", "List pools with what they hold.", admin: true),
        entry("get", "/v1/stats", "stats", "Counts since the start.", admin: true),
        entry("get", "/v1/ping", "ping", "Answers while the process lives."),
        entry("get", "/v1/api-reference", "apiReference", "This document."),
        entry("get", "/v1/openapi.yaml", "openAPI", "The interface as OpenAPI 3.1."),
        entry("get", "/healthz", "health", "Liveness."),
        entry("get", "/readyz", "ready", "Readiness: state and pools."),
        entry("get", "/metrics", "metrics", "Prometheus metrics."),
    ]

    private static func entry(_ method: String, _ route: String, _ name: String, _ title: String, admin: Bool = false) -> Entry {
        Entry(method: method, route: route, name: name, title: title, description: title, admin: admin)
    }
}
