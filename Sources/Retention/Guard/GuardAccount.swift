/// What a class has cost in one pool, beside what it would have cost with the break-even life (T*).
///
/// Lives that were learnt can be wrong; where they have cost too much more than T*, T* is used instead until they have made up for it.
/// So the costs of each class stay within 1.1 times those of T*, and those within twice the best, plus what the account allows.
package struct GuardAccount: Sendable, Equatable {
    /// How much more than T* may cost before it counts.
    static let tolerance = 1.1
    /// How many mean misses the debt may be.
    static let allowedMisses = 20.0

    /// D: what was paid, minus what was allowed, in dollars; what is committed already is in both.
    package private(set) var debt = 0.0
    private var uses = 0.0
    private var margins = 0.0
    /// Whether lives are T*.
    package private(set) var isGuarded = false

    package init() {}

    init(debt: Double, uses: Double, margins: Double, isGuarded: Bool) {
        self.debt = debt
        self.uses = uses
        self.margins = margins
        self.isGuarded = isGuarded
    }

    /// Adds what was entered elsewhere, in an account that began empty.
    package mutating func add(_ other: GuardAccount) {
        debt += other.debt
        uses += other.uses
        margins += other.margins
    }

    /// What this account has more than another one.
    package func minus(_ other: GuardAccount) -> GuardAccount {
        GuardAccount(debt: debt - other.debt, uses: uses - other.uses, margins: margins - other.margins, isGuarded: isGuarded)
    }

    /// What is added up, without whether it is guarded.
    var numbers: [Double] { [debt, uses, margins] }

    package var allowance: Double { uses > 0 ? Self.allowedMisses * margins / uses : 0 }
    package var isOverdrawn: Bool { debt > allowance }

    /// What is between this account and that of T*, in dollars.
    private static func excess(_ costs: ArtifactCosts, kept: Double, untilBreakEven seconds: Double) -> Double {
        costs.keeping(kept) - tolerance * costs.keeping(min(seconds, costs.breakEven))
    }

    /// Another use.
    ///
    /// - Parameters:
    ///   - gap: Seconds since the one before.
    ///   - kept: For how many of them there was a replica.
    ///   - isMiss: Whether it was copied again.
    ///   - open: What ``commit(_:kept:open:)`` entered when the gap began; 0 afterwards.
    package mutating func settle(_ costs: ArtifactCosts, gap: Double, kept: Double, isMiss: Bool, open: inout Double) {
        debt += Self.excess(costs, kept: kept, untilBreakEven: gap)
        if isMiss { debt += costs.margin }
        if gap > costs.breakEven { debt -= Self.tolerance * costs.margin }
        debt -= open
        open = 0
    }

    /// Enters what the replica will cost if it is never used again.
    ///
    /// - Parameters:
    ///   - kept: Seconds from its last use until it expires or has ended; 0 without one.
    ///   - open: What was entered before; what is entered now afterwards.
    package mutating func commit(_ costs: ArtifactCosts, kept: Double, open: inout Double) {
        let now = Self.open(costs, kept: kept)
        debt += now - open
        open = now
    }

    /// The replica was taken away before its time, which no life has decided: what it has cost is settled, and the next copy counts for neither side.
    ///
    /// - Parameters:
    ///   - kept: Seconds from its last use until then.
    ///   - open: What ``commit(_:kept:open:)`` entered; 0 afterwards.
    package mutating func close(_ costs: ArtifactCosts, kept: Double, open: inout Double) {
        debt += Self.excess(costs, kept: kept, untilBreakEven: kept) - open
        open = 0
    }

    package mutating func countUse(_ costs: ArtifactCosts) {
        uses += 1
        margins += costs.margin
    }

    /// Old merit fades, debts do not.
    ///
    /// - Parameter seconds: Since the last time.
    package mutating func fade(_ seconds: Double) {
        if debt < 0 { debt *= Weights.decay(seconds) }
    }

    /// How much more than allowed a replica costs if it is never used again, as ``commit(_:kept:open:)`` enters it.
    package static func open(_ costs: ArtifactCosts, kept: Double) -> Double { excess(costs, kept: kept, untilBreakEven: .infinity) }

    /// - Returns: Whether it became guarded by this.
    package mutating func engage() -> Bool {
        guard !isGuarded, isOverdrawn else { return false }
        isGuarded = true
        return true
    }

    package mutating func release() {
        if !isOverdrawn { isGuarded = false }
    }
}
