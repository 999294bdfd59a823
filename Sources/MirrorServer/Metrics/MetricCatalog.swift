import MirrorEngine
import MirrorNet
import MirrorStorage
import MirrorTracing
import NamedOrigins

/// What each metric means. A test keeps the table in docs/operations.md equal to this list.
package enum MetricCatalog {
    private typealias Engine = EngineMetrics.Name

    package static let all: [(name: String, kind: String, labels: String, help: String)] = [
        (Engine.redirects, "counter", "pool, outcome", "Redirect requests by outcome."),
        (
            Engine.redirectSeconds, "histogram", "pool, outcome",
            "How long redirect requests took, with waits for a copy but without earlier hops. Hits that are answered from memory are not timed: they count as the lowest bucket and add nothing to the sum."
        ),
        (
            Engine.fallbacks, "counter", "pool, reason",
            "Redirects to the origin by reason: \(Fallback.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."
        ),
        (
            Engine.hops, "counter", "pool",
            "Redirects to the mirror itself while a copy was in progress; the request that they belong to counts once, at its end."
        ),
        (
            Engine.waitSeconds, "histogram", "pool",
            "How long redirect requests waited for a copy, over all their hops; observed once for each request, at its end."
        ),
        (Engine.waiting, "gauge", "", "Redirect requests that are waiting for a copy."),
        (
            Engine.overBudget, "counter", "budget",
            "Requests that were redirected to the origin because their client network had used up its budget of `claims` or of `bytes` (redirect.coldClaims)."
        ),
        (
            Engine.poolChoices, "counter", "reason",
            "Redirect requests that named no pool, by how it was chosen: \(reasons)."
        ),
        (Engine.spentNetworks, "gauge", "", "Client networks that have used up a budget."),
        (Engine.copies, "counter", "pool, result", "Copies that ended, by result: present, error, set-aside."),
        (Engine.slowCopies, "counter", "pool", "Copies that gave up their slot because the origin sent too slowly."),
        (Engine.copySeconds, "histogram", "pool", "How long copies took."),
        (Engine.copyBytes, "counter", "pool", "Bytes that copies carried from origins through this process."),
        (
            Engine.serverSideCopyBytes, "counter", "pool, source",
            "Bytes that pools' services copied by themselves, by source: `origin`, or `replica` for another pool."
        ),
        (
            OriginMetrics.Name.requests, "counter", "origin, status",
            "Requests to origins for artifacts and pages, and those that are passed on, each with the redirects that it followed: by the name of a named origin, the rule of `origins.allow` (`any` without a configuration) or the host of the bucket, and by answer: `2xx`, `3xx`, `4xx` but `429`, `429`, `5xx`, or `none`. Beyond a hundred origins `other`."
        ),
        (
            OriginMetrics.Name.seconds, "histogram", "origin",
            "How long requests to origins took until the answer began, with the redirects that they followed; those without an answer are left out. The labels are those of the metric above."
        ),
        (Engine.lost, "counter", "pool", "Replicas whose object was found missing in the pool."),
        (Engine.copiesInProgress, "gauge", "pool", "Copies in progress."),
        (Engine.poolBytes, "gauge", "pool", "Bytes of present replicas, whichever process copied them."),
        (Engine.poolObjects, "gauge", "pool", "Present replicas, whichever process copied them."),
        (
            HoldingsSurvey.Name.ages, "gauge", "pool, age",
            "Bytes of present replicas by how long ago they were last used: within \(ages), or `older`. Counted after sweeps; that takes at most a hundredth of the time."
        ),
        (
            HoldingsSurvey.Name.unread, "gauge", "pool",
            "Bytes of present replicas that were not used again after the first minute: at most the client that they were copied for has read them."
        ),
        (Engine.poolMaxBytes, "gauge", "pool", "Bytes that the pool may hold (maxBytes); missing without a limit."),
        (Engine.poolFreeBytes, "gauge", "pool", "Bytes free on the file system of a local pool."),
        (Engine.servedBytes, "counter", "pool", "Bytes of objects that this process sent to clients: from local pools, or inline."),
        (
            Engine.oldestQueued, "gauge", "pool",
            "How long the oldest queued copy has waited for a worker, in seconds; 0 if none is waiting."
        ),
        (Engine.pending, "gauge", "pool", "Replicas whose copy is queued or in progress, in any process."),
        (
            Engine.stateAvailable, "gauge", "",
            "1 while the state answers, else 0; then requests that memory cannot answer are redirected to the origin."
        ),
        (Engine.egressAvoided, "counter", "pool", "Bytes that hits did not fetch from the origin."),
        (
            SavingsMeter.Name.saved, "counter", "pool",
            "Dollars that hits have saved, at list prices: what they would have cost at the origin, minus what reading them from the pool cost."
        ),
        (
            SavingsMeter.Name.cost, "counter", "pool, kind",
            "Dollars that the pool has cost, at list prices: `egress`, `requests`, and `storage`, which is counted by one of the processes that share it."
        ),
        (
            SavingsMeter.Name.counterfactual, "counter", "pool, policy",
            "Dollars that another policy would have cost, at list prices: `never` (no copies) and, where uses are recorded, `tstar` and `ttl`, without what is kept now."
        ),
        (
            SavingsMeter.Name.pricesDate, "gauge", "",
            "The day that the list prices are of, in seconds since 1970; missing if no pool's prices are known."
        ),
        (
            SavingsMeter.Name.guarded, "gauge", "pool",
            "Classes whose replicas are kept for the break-even life because learned lives have cost too much."
        ),
        (SavingsMeter.Name.tableAge, "gauge", "", "Seconds since lives were last learned."),
        (Engine.evictions, "counter", "pool, reason", "Replicas removed by the sweep or to make room."),
        (Engine.errors, "counter", "kind", "Errors by kind; the kinds are listed below."),
        (StoreMetrics.Name.operationSeconds, "histogram", "pool, operation", "How long operations of object stores took."),
        (StoreMetrics.Name.errors, "counter", "pool, operation, code", "Errors of object stores."),
        (ProcessMetrics.Name.buildInfo, "gauge", "version", "Always 1; the label is the version that is running."),
        (ProcessMetrics.Name.cpu, "counter", "", "Processor time that the process has used, in seconds."),
        (ProcessMetrics.Name.residentMemory, "gauge", "", "Memory that the process holds."),
        (ProcessMetrics.Name.start, "gauge", "", "When the process was started, in seconds since 1970."),
        (ProcessMetrics.Name.openDescriptors, "gauge", "", "File descriptors that are open."),
        (ProcessMetrics.Name.maxDescriptors, "gauge", "", "File descriptors that may be open."),
        (
            OriginMetrics.Name.refusedRedirects, "counter", "host, reason",
            "Requests to origins that were given up because the origin redirects to a host that is not allowed; beyond a hundred hosts `other`."
        ),
        (
            ConnectionMetrics.Name.refused, "counter", "",
            "Connections closed at once because their client had reached its limit (`server.maxConnectionsPerAddress`)."
        ),
        (
            ConnectionMetrics.Name.pauses, "counter", "",
            "How often no connection was accepted for 100 ms, for lack of descriptors or memory."
        ),
        (
            ConnectionMetrics.Name.proxyHeaders, "counter", "reason",
            "Connections closed because the PROXY protocol header (`server.proxyProtocol`) came from an `untrusted` address, was `malformed`, or came too `late`."
        ),
        (
            RegionMetrics.Name.dates, "gauge", "cloud",
            "When the list of a cloud's addresses that is in use was published or fetched, in seconds since 1970."
        ),
        (
            RegionMetrics.Name.updates, "counter", "cloud, result",
            "Attempts to fetch a newer list of a cloud's addresses, by result: `updated` or `refused`."
        ),
        (
            NamedMetrics.Name.requests, "counter", "origin, class",
            "Requests below `/o/` by named origin (`\(NamedMetrics.byHost)` for all that are requested by their host) and class of the rule."
        ),
        (
            PageMetrics.Name.requests, "counter", "outcome",
            "Requests for pages of named origins, by how fresh the answer was, or why there was none: \(pageOutcomes)."
        ),
        (PageMetrics.Name.bytes, "gauge", "", "Bytes of the pages that are kept."),
        (PageMetrics.Name.pages, "gauge", "", "Pages that are kept."),
        (AdminRefusals.metric, "counter", "reason", "Admin calls that were refused, by reason: `no-token` or `wrong-token`."),
        (HousekeepingMetrics.Name.reloads, "counter", "result", "Reloads of the configuration, by result: `reloaded` or `refused`."),
        (HousekeepingMetrics.Name.lastReload, "gauge", "", "When the configuration in use was read, in seconds since 1970."),
        (HousekeepingMetrics.Name.droppedLogLines, "counter", "", "Log lines that were dropped because they were not read in time."),
        (
            TraceMetrics.Name.spans, "counter", "result",
            "Spans of traces by result: `exported`, `dropped` for lack of room, or `failed` because the collector could not be reached or rejected them. Missing without `tracing`."
        ),
        (
            TraceMetrics.Name.refused, "counter", "",
            "Requests that were not traced although their `traceparent` says so, because of `tracing.askedPerSecond`. Missing without `tracing`."
        ),
    ]

    private static var ages: String {
        HoldingsSurvey.ages.filter { $0.limit != nil }.map { "`\($0.word)`" }.joined(separator: ", ")
    }

    private static var reasons: String {
        PoolReason.allCases.filter { $0 != .named }.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    }

    private static var pageOutcomes: String {
        (PageAnswer.Freshness.allCases.map(\.rawValue) + PageError.Code.allCases.map(\.rawValue)).map { "`\($0)`" }.joined(separator: ", ")
    }

    static func help(for name: String) -> String? {
        all.first { $0.name == name }?.help
    }
}
