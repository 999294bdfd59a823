import RedisClient

/// The scripts of the directory `Scripts`, one for each transition.
extension RedisScript {
    static let abandonedRemovals = transition(PackageResources.abandoned_removals_lua)
    static let beginRemoval = transition(PackageResources.begin_removal_lua)
    static let claim = transition(PackageResources.claim_lua)
    static let confirm = transition(PackageResources.confirm_lua)
    static let describe = transition(PackageResources.describe_lua)
    static let endRemoval = transition(PackageResources.end_removal_lua)
    static let extend = transition(PackageResources.extend_lua)
    static let finish = transition(PackageResources.finish_lua)
    static let forgetErrors = transition(PackageResources.forget_errors_lua)
    static let lanes = transition(PackageResources.lanes_lua)
    static let keepQuery = transition(PackageResources.keep_query_lua)
    static let lease = transition(PackageResources.lease_lua)
    static let leastRecentlyUsed = transition(PackageResources.least_recently_used_lua)
    static let list = transition(PackageResources.list_lua)
    static let liveCopiers = transition(PackageResources.live_copiers_lua)
    static let mark = transition(PackageResources.mark_lua)
    static let moment = transition(PackageResources.moment_lua)
    static let nextDue = transition(PackageResources.next_due_lua)
    static let reconcile = transition(PackageResources.reconcile_lua)
    static let recordPresent = transition(PackageResources.record_present_lua)
    static let registerCopier = transition(PackageResources.register_copier_lua)
    static let time = transition(PackageResources.time_lua)
    static let totals = transition(PackageResources.totals_lua)
    static let touch = transition(PackageResources.touch_lua)

    // What is learnt about lives. These have no pool, and so nothing of what the others share.
    static let addClasses = whole(PackageResources.activity_classes_lua)
    static let addSums = whole(PackageResources.activity_sums_lua)
    static let computingLease = whole(PackageResources.activity_lease_lua)
    static let replaceDocument = whole(PackageResources.activity_document_lua)
    static let updateActivity = whole(PackageResources.activity_update_lua)

    private static func whole(_ body: [UInt8]) -> RedisScript { RedisScript(String(decoding: body, as: UTF8.self)) }

    /// Inserts the shared functions before the script, but after a first line with flags for the server, which is only read in that place.
    private static func transition(_ body: [UInt8]) -> RedisScript {
        let newline = UInt8(ascii: "\n")
        let first = body.starts(with: "#!".utf8) ? body.prefix { $0 != newline } + [newline] : []
        let rest = body.dropFirst(first.count)
        return RedisScript(String(decoding: first + PackageResources.prelude_lua + rest, as: UTF8.self))
    }
}
