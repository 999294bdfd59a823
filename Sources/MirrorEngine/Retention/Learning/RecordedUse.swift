import MirrorCore
import MirrorState
import Retention

/// What recording one use has found out.
struct RecordedUse: Sendable {
    let artifactClass: UInt32
    /// For the sums.
    let observations: Observations
    /// What is added to the account of the class in the pool.
    let account: GuardAccount
    let counterfactual: Counterfactual

    /// Records a use.
    ///
    /// - Parameters:
    ///   - lives: Say how long the replica is kept from now on.
    ///   - timeToLive: Seconds, for comparison. A use without a copy is not compared: nobody counts what it cost, either.
    init(
        _ use: ActivityUse, in pool: PoolID, _ lives: LearnedLives, timeToLive: Double, _ record: inout ActivityRecord?
    ) {
        let before = record?[use.pool]
        observations = ActivityRecord.use(&record, use, renewalIntervals: lives.prices.renewalIntervals)
        artifactClass = record?.artifactClass ?? use.artifactClass
        let costs = lives.costs(of: use.bytes, in: pool)
        var account = GuardAccount()
        var counterfactual = Counterfactual()
        if var after = record?[use.pool] {
            var open = Double(before?.open ?? 0)
            if let before {
                let gap = Double(after.own) - Double(before.own)
                let isMiss = before.gone != 0
                let kept = isMiss ? min(gap, max(0, Double(before.gone) - Double(before.own))) : gap
                if !before.isClosed { account.settle(costs, gap: gap, kept: kept, isMiss: isMiss, open: &open) }
                if use.isKept { counterfactual.addGap(costs, gap, timeToLive: timeToLive) }
            } else if use.isKept {
                counterfactual.addFirst(costs)
            }
            account.countUse(costs)
            after.open = Float(open)
            let expiry = lives.expiry(after, of: artifactClass, bytes: use.bytes, in: pool)
            account.add(after.commit(costs, kept: use.isKept ? expiry - Double(after.own) : 0))
            record?[use.pool] = after
        }
        self.account = account
        self.counterfactual = counterfactual
    }
}

extension ActivityRecord.PoolUses {
    /// Enters what the replica will have cost if it is never used again.
    ///
    /// - Parameter kept: Seconds from its last use.
    mutating func commit(_ costs: ArtifactCosts, kept: Double) -> GuardAccount {
        entered { $0.commit(costs, kept: max(0, kept), open: &$1) }
    }

    /// Settles what a replica has cost that was taken away before its time.
    ///
    /// - Parameter kept: Seconds from its last use.
    mutating func close(_ costs: ArtifactCosts, kept: Double) -> GuardAccount {
        entered { $0.close(costs, kept: max(0, kept), open: &$1) }
    }

    /// - Parameter change: Takes the account and what is open.
    private mutating func entered(_ change: (inout GuardAccount, inout Double) -> Void) -> GuardAccount {
        var (account, sum) = (GuardAccount(), Double(open))
        change(&account, &sum)
        open = Float(sum)
        return account
    }

    /// Whether the next use settles nothing: the replica was taken away before its time, or storage costs nothing.
    var isClosed: Bool { gone != 0 && open == 0 }
}

/// What other policies would have paid, in dollars, beyond one read for each request.
package struct Counterfactual: Sendable, Equatable {
    /// As long after a use as a copy costs as much as keeping.
    package private(set) var breakEven = 0.0
    /// For `timeToLive` after a use.
    package private(set) var timeToLive = 0.0

    mutating func add(_ other: Counterfactual) {
        breakEven += other.breakEven
        timeToLive += other.timeToLive
    }

    mutating func addFirst(_ costs: ArtifactCosts) {
        breakEven += costs.margin
        timeToLive += costs.margin
    }

    mutating func addGap(_ costs: ArtifactCosts, _ gap: Double, timeToLive life: Double) {
        breakEven += costs.keeping(min(gap, costs.breakEven)) + (gap > costs.breakEven ? costs.margin : 0)
        timeToLive += costs.keeping(min(gap, life)) + (gap > life ? costs.margin : 0)
    }
}
