/// A table of a replay, and what it is about.
package struct ReplayTable: Sendable {
    package let table: RetentionTable
    package let tree: ContextTree
    /// Guarded from now on.
    package let guarded: [(artifactClass: Int, pool: Int)]
}

extension Replay {
    /// Makes a table of what was observed so far; it applies to all that is held.
    mutating func makeTable(at now: Double) {
        hazard.fadeAccounts(Double(ReplayOptions.passInterval) / 1_000)
        hazard.sums.rebase(at: now)
        var maker = TableMaker(hazard.sums, at: now)
        for number in 0..<keys.count {
            let key = keys[number]
            let artifactClass = UInt32(index[Int(owners[number])].artifactClass)
            maker.addWaiting(Context(artifactClass, place: key.place), since: seconds(start + key.clock))
        }
        let prices = pools.map(\.prices)
        hazard.dropTable()
        hazard.use(maker.table(prices))
        applyToAll(at: now)
        // What is free again lives by the table from now on.
        if hazard.reviewAccounts(at: now) { applyToAll(at: now) }
        lastTable = now
        if let onTable, let table = hazard.table {
            onTable(ReplayTable(table: table, tree: hazard.sums.tree, guarded: hazard.guardedAccounts))
        }
    }

    private mutating func applyToAll(at now: Double) {
        // Most have ended long ago, and are passed over without a look at their artifacts.
        let isAnyGuarded = hazard.isAnyGuarded
        for number in 0..<keys.count where isAnyGuarded || keys[number].expiry >= lastTable {
            apply(number, index[Int(owners[number])], at: now)
        }
    }

    /// A replica that is still there lives as long as the new table says, and until now at least.
    private mutating func apply(_ number: Int, _ artifact: ReplayArtifact, at now: Double) {
        var key = keys[number]
        let pool = Int(key.pool)
        let artifactClass = Int(artifact.artifactClass)
        // What had ended at the last table is in the account as it ended.
        guard key.expiry >= lastTable || hazard[artifactClass, pool].account.isGuarded else { return }
        let activity = activity(key, artifact)
        let costs = pools[pool].prices.costs(of: Double(artifact.bytes))
        key.expiry = hazard.applyGuard(key.expiry, own: activity.own, artifactClass: artifactClass, pool: pool, costs)
        if key.isCopied, key.expiry >= now { key.expiry = max(now, hazard.expiry(activity, pool: pool, costs)) }
        var account = hazard[artifactClass, pool]
        account.account.commit(costs, kept: key.isCopied ? key.expiry - activity.own : 0, open: &key.open)
        hazard[artifactClass, pool] = account
        keys[number] = key
    }
}
