/// The learning policy, as a replay applies it: what it has observed, its table, and its guard.
struct HazardPolicy: Sendable {
    /// Of one class in one pool.
    struct Account: Sendable {
        var account = GuardAccount()
        /// When it became guarded, in seconds.
        var engaged = -Double.infinity
    }

    let isGuarded: Bool
    let admission: Admission
    var sums = ContextSums(landmark: 0)
    private(set) var table: RetentionTable?
    /// By class and pool.
    private var accounts: [[Account]] = []

    init(isGuarded: Bool, admission: Admission) {
        self.isGuarded = isGuarded
        self.admission = admission
    }

    subscript(_ artifactClass: Int, pool: Int) -> Account {
        get {
            guard artifactClass < accounts.count, pool < accounts[artifactClass].count else { return Account() }
            return accounts[artifactClass][pool]
        }
        set {
            while accounts.count <= artifactClass { accounts.append([]) }
            while accounts[artifactClass].count <= pool { accounts[artifactClass].append(Account()) }
            accounts[artifactClass][pool] = newValue
        }
    }

    /// When a replica ends that is used or renewed, or that a new table or the guard comes to, in seconds.
    func expiry(_ activity: PoolActivity, pool: Int, _ costs: ArtifactCosts) -> Double {
        if self[Int(activity.context.artifactClass), pool].account.isGuarded { return activity.own + costs.breakEven }
        guard let table else { return activity.clock + costs.breakEven / 2 }
        return activity.clock + max(costs.floor, table.life(activity.context, of: sums.tree, pool: pool).seconds)
    }

    /// Ends or prolongs the life of a replica whose class was guarded after its last use; what had expired by then stays so.
    func applyGuard(_ expiry: Double, own: Double, artifactClass: Int, pool: Int, _ costs: ArtifactCosts) -> Double {
        let account = self[artifactClass, pool]
        guard account.account.isGuarded, own <= account.engaged, expiry >= account.engaged else { return expiry }
        return max(account.engaged, own + costs.breakEven)
    }

    /// Whether a replica that is not there is copied.
    func admits(_ activity: PoolActivity, pool: Int, _ costs: ArtifactCosts) -> Bool {
        guard admission == .cost, let table, !self[Int(activity.context.artifactClass), pool].account.isGuarded else { return true }
        return table.life(activity.context, of: sums.tree, pool: pool).paysForCopy(costs)
    }

    // MARK: The table

    mutating func fadeAccounts(_ seconds: Double) {
        forEachAccount { $0.account.fade(seconds) }
    }

    /// Frees its memory, before the next one is made.
    mutating func dropTable() { table = nil }

    mutating func use(_ table: RetentionTable) { self.table = table }

    /// Guards classes whose accounts are overdrawn, and frees the others.
    ///
    /// - Returns: Whether any was freed.
    mutating func reviewAccounts(at now: Double) -> Bool {
        var isAnyFree = false
        forEachAccount { [isGuarded] account in
            guard isGuarded else { return }
            if account.account.isGuarded {
                account.account.release()
                isAnyFree = isAnyFree || !account.account.isGuarded
            } else if account.account.engage() {
                account.engaged = now
            }
        }
        return isAnyFree
    }

    private mutating func forEachAccount(_ body: (inout Account) -> Void) {
        for artifactClass in accounts.indices {
            for pool in accounts[artifactClass].indices { body(&accounts[artifactClass][pool]) }
        }
    }

    var isAnyGuarded: Bool { accounts.contains { $0.contains { $0.account.isGuarded } } }

    /// Classes and pools that are guarded.
    var guardedAccounts: [(artifactClass: Int, pool: Int)] {
        accounts.indices.flatMap { artifactClass in
            accounts[artifactClass].indices.filter { accounts[artifactClass][$0].account.isGuarded }.map { (artifactClass, $0) }
        }
    }
}
