import RedisClient

/// The scripts of the directory `Scripts`, one for each transition.
extension RedisScript {
    static let abandonedRemovals = transition(PackageResources.abandoned_removals_lua, times)
    static let beginRemovals = transition(PackageResources.begin_removals_lua, times, removals)
    static let claim = transition(PackageResources.claim_lua, leases, repair)
    static let confirm = transition(PackageResources.confirm_lua, indexes, removals)
    static let describe = transition(PackageResources.describe_lua, records)
    static let endRemovals = transition(PackageResources.end_removals_lua, jobs, removals, moments)
    static let extend = transition(PackageResources.extend_lua, jobs)
    static let finish = transition(PackageResources.finish_lua, leases)
    static let forgetErrors = transition(PackageResources.forget_errors_lua, jobs)
    static let lanes = transition(PackageResources.lanes_lua, jobs)
    static let keepQuery = transition(PackageResources.keep_query_lua, jobs)
    static let lease = transition(PackageResources.lease_lua, leases)
    static let leastRecentlyUsed = transition(PackageResources.least_recently_used_lua, times)
    static let list = transition(PackageResources.list_lua, indexes)
    static let liveCopiers = transition(PackageResources.live_copiers_lua)
    static let mark = transition(PackageResources.mark_lua, indexes)
    static let moment = transition(PackageResources.moment_lua, moments)
    static let nextDue = transition(PackageResources.next_due_lua, queue)
    static let reconcile = transition(PackageResources.reconcile_lua, jobs, repair)
    static let recordPresent = transition(PackageResources.record_present_lua, jobs, moments)
    static let registerCopier = transition(PackageResources.register_copier_lua)
    static let time = transition(PackageResources.time_lua)
    static let totals = transition(PackageResources.totals_lua)
    static let touch = transition(PackageResources.touch_lua, indexes)

    // What scripts share beyond `prelude.lua`, with what it builds on.
    private static let records = PackageResources.prelude_records_lua
    private static let indexes = records + PackageResources.prelude_indexes_lua
    private static let jobs = indexes + PackageResources.prelude_jobs_lua
    private static let times = jobs + PackageResources.prelude_times_lua
    private static let queue = times + PackageResources.prelude_queue_lua
    private static let leases = queue + PackageResources.prelude_leases_lua

    // The same, without what it builds on: `jobs`, `indexes` and nothing.
    private static let repair = PackageResources.prelude_repair_lua
    private static let removals = PackageResources.prelude_removals_lua
    private static let moments = PackageResources.prelude_moments_lua

    // What is learnt about lives. These have no pool, and so nothing of what the others share.
    static let addClasses = whole(PackageResources.activity_classes_lua)
    static let addSums = whole(PackageResources.activity_sums_lua)
    static let computingLease = whole(PackageResources.activity_lease_lua)
    static let replaceDocument = whole(PackageResources.activity_document_lua)
    static let updateActivity = whole(PackageResources.activity_update_lua)

    private static func whole(_ body: [UInt8]) -> RedisScript { RedisScript(String(decoding: body, as: UTF8.self)) }

    /// Inserts the shared functions before the script, but after a first line with flags for the server, which is only read in that place.
    private static func transition(_ body: [UInt8], _ shared: [UInt8]...) -> RedisScript {
        let newline = UInt8(ascii: "\n")
        let first = body.starts(with: "#!".utf8) ? body.prefix { $0 != newline } + [newline] : []
        var source = Array(first)
        source += PackageResources.prelude_lua
        for part in shared { source += part }
        source += body.dropFirst(first.count)
        return RedisScript(String(decoding: source, as: UTF8.self))
    }
}
