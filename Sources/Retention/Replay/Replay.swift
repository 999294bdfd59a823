/// Replays uses in the order of their times, and adds up what each policy would have paid for them.
///
/// Copies are made at once, and their egress is paid once. What is kept after the last use is charged in full, except by the policies that never or
/// always store.
package struct Replay: ~Copyable {
    let options: ReplayOptions
    var index = ArtifactIndex()
    var keys = Slab<ReplayKey>()
    /// The artifact of each key, so that tables are made by reading the keys in the order in which they are in memory; only if lives are learnt.
    var owners = Slab<UInt32>()
    var pools: [ReplayPool] = []
    var hazard: HazardPolicy
    package internal(set) var decisions: Decisions?
    /// Called with each table; for whoever wants to look at it.
    package var onTable: ((ReplayTable) -> Void)?

    /// The time of the first use, in milliseconds.
    private(set) var start: Int64 = 0
    private(set) var last: Int64 = 0
    private var nextPass: Int64 = 0
    /// When the last table was made, in seconds.
    var lastTable = -Double.infinity
    package private(set) var requests = 0

    package init(_ options: ReplayOptions) {
        self.options = options
        hazard = HazardPolicy(isGuarded: options.isGuarded, admission: options.admission)
        decisions = options.recordsDecisions ? Decisions() : nil
    }

    /// - Returns: The pool's number.
    package mutating func addPool(_ prices: PoolPrices) -> Int {
        pools.append(ReplayPool(prices))
        return pools.count - 1
    }

    /// - Parameter hash: Of the artifact's name.
    package func artifact(_ hash: UInt64) -> Int? { index.find(hash) }

    /// - Parameters:
    ///   - hash: One that ``artifact(_:)`` does not know.
    ///   - artifactClass: See ``ClassList``.
    package mutating func addArtifact(_ hash: UInt64, bytes: Int64, artifactClass: UInt32) -> Int {
        index.insert(hash, bytes: bytes, artifactClass: UInt16(clamping: artifactClass))
    }

    /// An artifact is at least so large; what was replayed already stays as it is.
    package mutating func raiseBytes(_ artifact: Int, to bytes: Int64) {
        if index[artifact].bytes < bytes { index[artifact].bytes = bytes }
    }

    package func bytes(of artifact: Int) -> Int64 { index[artifact].bytes }

    // MARK: Uses

    /// - Parameters:
    ///   - time: Milliseconds; one that is earlier than the last counts as that.
    ///   - pool: A number from ``addPool(_:)``.
    package mutating func use(_ artifactNumber: Int, in pool: Int, at time: Int64) {
        if requests == 0 { begin(at: time) }
        let time = max(time, last)
        if options.learns, time >= nextPass { makeTables(until: time) }
        last = time
        requests += 1
        let artifact = index[artifactNumber]
        let bytes = Double(artifact.bytes)
        let costs = pools[pool].prices.costs(of: bytes)
        pools[pool].count(bytes)
        let now = seconds(time)
        let age = artifact.firstKey == 0 ? 0 : Context.age(now - seconds(start + keys[Int(artifact.firstKey) - 1].first))

        // The artifact's other pools, and this one where it is known.
        var found: Int?
        var end: Int?
        var next = artifact.firstKey
        while next != 0 {
            let number = Int(next) - 1
            let key = keys[number]
            if Int(key.pool) == pool {
                found = number
                if !options.learns { break }
            } else if options.learns {
                renew(number, artifact, at: time, age: age)
            }
            end = number
            next = key.next
        }
        if let found {
            again(found, artifact, costs, at: time, age: age)
        } else {
            let number = begin(artifact, pool: pool, costs, at: time, age: age)
            if options.learns { owners.append(UInt32(artifactNumber)) }
            if let end { keys[end].next = UInt32(number + 1) } else { index[artifactNumber].firstKey = UInt32(number + 1) }
        }
    }

    private mutating func begin(at time: Int64) {
        start = time
        last = time
        nextPass = time + ReplayOptions.passInterval
        hazard.sums = ContextSums(landmark: seconds(time))
    }

    private mutating func begin(_ artifact: ReplayArtifact, pool: Int, _ costs: ArtifactCosts, at time: Int64, age: Int) -> Int {
        let bytes = Double(artifact.bytes)
        var key = ReplayKey(pool: UInt16(pool))
        key.own = time - start
        key.first = key.own
        key.clock = key.own
        if options.compares { pools[pool].begin(&key, costs, bytes: bytes) }
        let number = keys.count
        if options.learns {
            let now = seconds(time)
            let activity = PoolActivity(at: now, of: UInt32(artifact.artifactClass), age: age, bytes: bytes, into: &hazard.sums)
            key.place = activity.context.place
            decide(number, &key, activity, costs, bytes: bytes, isHit: false, time: now)
        }
        keys.append(key)
        return number
    }

    private mutating func again(_ number: Int, _ artifact: ReplayArtifact, _ costs: ArtifactCosts, at time: Int64, age: Int) {
        var key = keys[number]
        let bytes = Double(artifact.bytes)
        let now = seconds(time)
        let own = seconds(start + key.own)
        let pool = Int(key.pool)
        if options.compares {
            let copied = seconds(start + key.copied)
            pools[pool].use(&key, own: own, copied: copied, now: now, time: time - start, costs, bytes: bytes)
        }
        if options.learns {
            let artifactClass = Int(artifact.artifactClass)
            key.expiry = hazard.applyGuard(key.expiry, own: own, artifactClass: artifactClass, pool: pool, costs)
            let isHit = key.isCopied && now <= key.expiry
            let kept = key.isCopied ? min(key.expiry, now) - own : 0
            pools[pool].learned.storage += costs.keeping(kept)
            var account = hazard[artifactClass, pool]
            account.account.settle(costs, gap: now - own, kept: kept, isMiss: !isHit, open: &key.open)
            hazard[artifactClass, pool] = account
            decisions?.again(number, gap: now - own, kept: kept, isHit: isHit)

            var activity = activity(key, artifact)
            activity.use(at: now, age: age, bytes: bytes, into: &hazard.sums)
            key.earlierUses = activity.earlierUses
            key.place = activity.context.place
            key.clock = time - start
            key.own = time - start
            decide(number, &key, activity, costs, bytes: bytes, isHit: isHit, time: now)
        }
        key.own = time - start
        keys[number] = key
    }

    /// What the learning policy does at a use.
    private mutating func decide(
        _ number: Int, _ key: inout ReplayKey, _ activity: PoolActivity, _ costs: ArtifactCosts, bytes: Double, isHit: Bool, time: Double
    ) {
        let pool = Int(key.pool)
        let isAdmitted = hazard.admits(activity, pool: pool, costs)
        key.isCopied = isHit || isAdmitted
        key.expiry = hazard.expiry(activity, pool: pool, costs)
        if isHit {
            pools[pool].learned.hit(costs, bytes: bytes)
        } else if isAdmitted {
            pools[pool].learned.copy(costs, bytes: bytes)
        } else {
            pools[pool].learned.redirect(costs, bytes: bytes)
        }
        var account = hazard[Int(activity.context.artifactClass), pool]
        account.account.countUse(costs)
        account.account.commit(costs, kept: key.isCopied ? key.expiry - time : 0, open: &key.open)
        if hazard.isGuarded, account.account.engage() { account.engaged = time }
        hazard[Int(activity.context.artifactClass), pool] = account
        if account.engaged == time, account.account.isGuarded { key.expiry = time + costs.breakEven }
        decisions?.add(number, isHit: isHit, isAdmitted: isAdmitted)
    }

    private mutating func renew(_ number: Int, _ artifact: ReplayArtifact, at time: Int64, age: Int) {
        var key = keys[number]
        let pool = Int(key.pool)
        let now = seconds(time)
        // Mostly too soon: the other pools of what is read often.
        guard now - seconds(start + key.clock) >= pools[pool].renewalInterval else { return }
        var activity = activity(key, artifact)
        guard
            activity.renew(
                at: now, age: age, after: pools[pool].renewalInterval, bytes: Double(artifact.bytes), into: &hazard.sums)
        else { return }
        let costs = pools[pool].prices.costs(of: Double(artifact.bytes))
        key.expiry = hazard.applyGuard(key.expiry, own: activity.own, artifactClass: Int(artifact.artifactClass), pool: pool, costs)
        key.clock = time - start
        key.place = activity.context.place
        if key.isCopied, key.expiry >= now { key.expiry = max(now, hazard.expiry(activity, pool: pool, costs)) }
        keys[number] = key
    }

    // MARK: Times

    func seconds(_ time: Int64) -> Double { Double(time) / 1_000 }

    func activity(_ key: ReplayKey, _ artifact: ReplayArtifact) -> PoolActivity {
        PoolActivity(
            earlierUses: key.earlierUses, first: seconds(start + key.first), own: seconds(start + key.own),
            clock: seconds(start + key.clock),
            context: Context(UInt32(artifact.artifactClass), place: key.place))
    }

    private mutating func makeTables(until time: Int64) {
        let missed = (time - nextPass) / ReplayOptions.passInterval
        if missed > ReplayOptions.maxPasses { nextPass += (missed - ReplayOptions.maxPasses) * ReplayOptions.passInterval }
        while nextPass <= time {
            makeTable(at: seconds(nextPass))
            nextPass += ReplayOptions.passInterval
        }
    }
}
