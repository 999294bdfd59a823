/// One pool of a replay: its prices, and what each policy paid there.
struct ReplayPool: Sendable {
    private static let day = 86_400.0

    let prices: PoolPrices
    let renewalInterval: Double
    /// All uses, and their bytes.
    private(set) var uses = 0
    private(set) var bytes = 0.0
    var learned = Ledger()
    private(set) var never = Ledger()
    private(set) var store = Ledger()
    private(set) var dayFixed = Ledger()
    private(set) var day = Ledger()
    private(set) var breakEven = Ledger()
    private(set) var halfBreakEven = Ledger()
    private(set) var clairvoyant = Ledger()
    private(set) var fixedLives = FixedLives()

    init(_ prices: PoolPrices) {
        self.prices = prices
        renewalInterval = prices.renewalInterval
    }

    mutating func count(_ bytes: Double) {
        uses += 1
        self.bytes += bytes
    }

    func ledger(of policy: ReplayPolicy) -> Ledger {
        switch policy {
        case .never: never
        case .store: store
        case .dayFixed: dayFixed
        case .day: day
        case .breakEven: breakEven
        case .halfBreakEven: halfBreakEven
        case .hazard: learned
        case .clairvoyant: clairvoyant
        }
    }

    mutating func begin(_ key: inout ReplayKey, _ costs: ArtifactCosts, bytes: Double) {
        key.copied = key.own
        never.redirect(costs, bytes: bytes)
        store.copy(costs, bytes: bytes)
        dayFixed.copy(costs, bytes: bytes)
        day.copy(costs, bytes: bytes)
        breakEven.copy(costs, bytes: bytes)
        halfBreakEven.copy(costs, bytes: bytes)
        ClairvoyantCost.begin(&key, costs)
        fixedLives.begin(costs)
    }

    /// - Parameters:
    ///   - own, copied, now: The times of the key, and of this use, in seconds.
    ///   - time: Of this use, as the key has it.
    mutating func use(
        _ key: inout ReplayKey, own: Double, copied: Double, now: Double, time: Int64, _ costs: ArtifactCosts, bytes: Double
    ) {
        let gap = now - own
        never.redirect(costs, bytes: bytes)
        store.hit(costs, bytes: bytes)
        let fixedEnd = copied + Self.day
        Self.use(&dayFixed, kept: fixedEnd - own, gap, costs, bytes)
        Self.use(&day, kept: Self.day, gap, costs, bytes)
        Self.use(&breakEven, kept: costs.breakEven, gap, costs, bytes)
        Self.use(&halfBreakEven, kept: costs.breakEven / 2, gap, costs, bytes)
        ClairvoyantCost.use(&key, gap: gap, costs, bytes: bytes, &clairvoyant)
        fixedLives.use(gap: gap, costs)
        if now > fixedEnd { key.copied = time }
    }

    private static func use(_ ledger: inout Ledger, kept: Double, _ gap: Double, _ costs: ArtifactCosts, _ bytes: Double) {
        ledger.storage += costs.keeping(min(kept, gap))
        if gap <= kept { ledger.hit(costs, bytes: bytes) } else { ledger.copy(costs, bytes: bytes) }
    }

    /// The artifact is not used again.
    mutating func end(_ key: ReplayKey, first: Double, own: Double, copied: Double, now: Double, _ costs: ArtifactCosts, bytes: Double) {
        store.storage += costs.keeping(now - first)
        dayFixed.storage += costs.keeping(copied + Self.day - own)
        day.storage += costs.keeping(Self.day)
        // Where storage costs nothing, these are infinite.
        breakEven.storage += costs.keeping(costs.breakEven)
        halfBreakEven.storage += costs.keeping(costs.breakEven / 2)
        ClairvoyantCost.end(key, costs, bytes: bytes, &clairvoyant)
        fixedLives.end(costs)
    }
}
