import MirrorEngine

/// What each metric means; the table in docs/operations.md is this list, and a test holds the two together.
package enum MetricCatalog {
    package static let all: [(name: String, kind: String, labels: String, help: String)] = [
        (EngineMetrics.Name.redirects, "counter", "pool, outcome", "Redirect requests by outcome."),
        (
            EngineMetrics.Name.hops, "counter", "pool",
            "Redirects to the mirror itself while a copy was under way; the request that they belong to counts once, at its end."
        ),
        (
            EngineMetrics.Name.waitSeconds, "histogram", "pool",
            "How long redirect requests waited for a copy, over all their hops; observed once for each request, at its end."
        ),
        (EngineMetrics.Name.waiting, "gauge", "", "Redirect requests that wait for a copy now."),
        (EngineMetrics.Name.copies, "counter", "pool, result", "Copies that ended, by result."),
        (EngineMetrics.Name.copySeconds, "histogram", "pool", "How long copies took."),
        (EngineMetrics.Name.copyBytes, "counter", "pool", "Bytes that copies carried from origins through this process."),
        (EngineMetrics.Name.serverSideCopyBytes, "counter", "pool", "Bytes that pools' services copied by themselves."),
        (EngineMetrics.Name.lost, "counter", "pool", "Replicas whose object was found missing in the pool."),
        (EngineMetrics.Name.copiesInProgress, "gauge", "pool", "Copies under way."),
        (EngineMetrics.Name.poolBytes, "gauge", "pool", "Bytes of present replicas, whichever process copied them."),
        (EngineMetrics.Name.poolObjects, "gauge", "pool", "Present replicas, whichever process copied them."),
        (EngineMetrics.Name.pending, "gauge", "pool", "Replicas whose copy is queued or under way, in any process."),
        (
            EngineMetrics.Name.stateAvailable, "gauge", "",
            "1 while the state answers, else 0: then what is not in memory goes to the origin."
        ),
        (EngineMetrics.Name.egressAvoided, "counter", "pool", "Bytes that hits did not fetch from the origin."),
        (EngineMetrics.Name.evictions, "counter", "pool, reason", "Replicas removed by the sweep or to make room."),
        (EngineMetrics.Name.errors, "counter", "kind", "Errors by kind."),
        (
            EngineMetrics.Name.refusedRedirects, "counter", "host, reason",
            "Copies that were not made because the origin redirects to a host that is not allowed; beyond a hundred hosts `other`."
        ),
        (HousekeepingMetrics.Name.reloads, "counter", "result", "Reloads of the configuration, by result: `reloaded` or `refused`."),
        (HousekeepingMetrics.Name.lastReload, "gauge", "", "When the configuration that is in force was read, in seconds since 1970."),
        (HousekeepingMetrics.Name.droppedLogLines, "counter", "", "Lines of the log that were dropped because nobody read them in time."),
        ("store_operation_seconds", "histogram", "pool, operation", "How long operations of object stores took."),
        ("store_errors_total", "counter", "pool, operation, code", "Errors of object stores."),
    ]

    /// The table in docs/operations.md.
    package static var markdown: String {
        let rows = all.map { "| `\($0.name)` | \($0.kind) | \($0.labels) | \($0.help) |" }
        return (["| metric | kind | labels | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    static func help(for name: String) -> String? {
        all.first { $0.name == name }?.help
    }
}
