/// What is left of the budgets of client networks, for a bounded number of them. A network that is not in it has all of it.
struct BudgetTable: Sendable {
    /// What a network has spent too much of.
    enum Refusal: String, Sendable, CaseIterable {
        case claims, bytes
    }

    private struct Entry {
        var claims: TokenBucket
        var bytes: TokenBucket
    }

    private var entries: [ClientNetwork: Entry] = [:]
    private let capacity: Int

    /// - Parameter capacity: Networks.
    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    /// Takes one claim.
    ///
    /// - Returns: `nil` when it is granted.
    mutating func claim(_ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        change(network, limits, at: now) { entry in
            if let refusal = Self.refusal(entry, limits) { return refusal }
            entry.claims.charge(1)
            return nil
        }
    }

    /// Charges what a copy has turned out to cost, whether the network has it or not.
    mutating func charge(_ bytes: Int64, to network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) {
        change(network, limits, at: now) { $0.bytes.charge(Double(max(bytes, 0)), maxDebt: limits.maxDebt) }
    }

    /// Why a claim would be refused now.
    func refusal(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        entries[network].flatMap { Self.refusal(Self.refilled($0, limits, at: now), limits) }
    }

    /// Networks of which a claim would be refused now.
    func refused(_ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> [ClientNetwork] {
        entries.compactMap { Self.refusal(Self.refilled($1, limits, at: now), limits) == nil ? nil : $0 }
    }

    private static func refusal(_ entry: Entry, _ limits: ColdClaimLimits) -> Refusal? {
        if limits.claims != nil, entry.claims.level < 1 { return .claims }
        if limits.bytes != nil, entry.bytes.level <= 0 { return .bytes }
        return nil
    }

    private static func refilled(_ entry: Entry, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Entry {
        var entry = entry
        if let terms = limits.claims { entry.claims.refill(terms, at: now) }
        if let terms = limits.bytes { entry.bytes.refill(terms, at: now) }
        return entry
    }

    private mutating func change<Result>(
        _ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant, _ body: (inout Entry) -> Result
    ) -> Result {
        var entry: Entry
        if let known = entries[network] {
            entry = Self.refilled(known, limits, at: now)
        } else {
            if entries.count >= capacity { makeRoom(limits, at: now) }
            let unlimited = TokenBucket.Terms(capacity: 0, perSecond: 0)
            entry = Entry(claims: TokenBucket(limits.claims ?? unlimited, at: now), bytes: TokenBucket(limits.bytes ?? unlimited, at: now))
        }
        defer { entries[network] = entry }
        return body(&entry)
    }

    /// Forgets half of the networks, those first that have all of their budget again: it makes no difference to them. Of the others those go that would have it
    /// next, so that flooding the table with networks frees nobody of a large debt before all that owe less.
    ///
    /// Half, because it looks at all of them.
    private mutating func makeRoom(_ limits: ColdClaimLimits, at now: ContinuousClock.Instant) {
        let order = entries.map { network, entry -> (network: ClientNetwork, seconds: Double) in
            let entry = Self.refilled(entry, limits, at: now)
            let claims = limits.claims.map { entry.claims.timeToFull($0) } ?? 0
            let bytes = limits.bytes.map { entry.bytes.timeToFull($0) } ?? 0
            return (network, max(claims, bytes))
        }.sorted { $0.seconds < $1.seconds }
        for (network, _) in order.prefix(max(capacity / 2, 1)) { entries[network] = nil }
    }
}
