/// What is left of the budgets of client networks and sites, for a bounded number of them. A network that is not in it has all of it.
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

    /// - Parameter capacity: Networks and sites.
    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    /// Takes one claim, of the network and of the site that it is in.
    ///
    /// - Returns: `nil` when it is granted.
    mutating func claim(_ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        if let refusal = refusal(of: network, limits, at: now) { return refusal }
        change(network, limits, at: now) { entry, _ in entry.claims.charge(1) }
        return nil
    }

    /// Charges what a copy has turned out to cost, whether the network has it or not.
    mutating func charge(_ bytes: Int64, to network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) {
        change(network, limits, at: now) { entry, limits in entry.bytes.charge(Double(max(bytes, 0)), maxDebt: limits.maxDebt) }
    }

    /// Why a claim would be refused now: because of the network, or of the site that it is in.
    func refusal(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        ownRefusal(of: network, limits, at: now) ?? network.site.flatMap { ownRefusal(of: $0, limits, at: now) }
    }

    private func ownRefusal(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        let limits = limits.of(network)
        return entries[network].flatMap { Self.refusal(Self.refilled($0, limits, at: now), limits) }
    }

    /// Networks and sites of which a claim would be refused now.
    func refused(_ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> [ClientNetwork] {
        entries.keys.filter { ownRefusal(of: $0, limits, at: now) != nil }
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

    private mutating func change(
        _ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant,
        _ body: (inout Entry, _ limits: ColdClaimLimits) -> Void
    ) {
        for holder in [network, network.site] {
            guard let holder else { continue }
            var entry = entry(of: holder, limits, at: now)
            body(&entry, limits.of(holder))
            entries[holder] = entry
        }
    }

    private mutating func entry(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Entry {
        if entries[network] == nil, entries.count >= capacity { makeRoom(limits, at: now) }
        let limits = limits.of(network)
        if let known = entries[network] { return Self.refilled(known, limits, at: now) }
        let unlimited = TokenBucket.Terms(capacity: 0, perSecond: 0)
        return Entry(claims: TokenBucket(limits.claims ?? unlimited, at: now), bytes: TokenBucket(limits.bytes ?? unlimited, at: now))
    }

    /// Forgets half of the networks, those first that have all of their budget again: it makes no difference to them. Of the others those go that would have it
    /// next, so that flooding the table with networks frees nobody of a large debt before all that owe less.
    ///
    /// Half, because it looks at all of them.
    private mutating func makeRoom(_ limits: ColdClaimLimits, at now: ContinuousClock.Instant) {
        let order = entries.map { network, entry -> (network: ClientNetwork, seconds: Double) in
            let limits = limits.of(network)
            let entry = Self.refilled(entry, limits, at: now)
            let claims = limits.claims.map { entry.claims.timeToFull($0) } ?? 0
            let bytes = limits.bytes.map { entry.bytes.timeToFull($0) } ?? 0
            return (network, max(claims, bytes))
        }.sorted { $0.seconds < $1.seconds }
        for (network, _) in order.prefix(max(capacity / 2, 1)) { entries[network] = nil }
    }
}
