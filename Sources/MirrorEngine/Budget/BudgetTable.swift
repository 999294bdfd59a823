import MirrorCore

/// What is left of the budgets of client networks and sites, for a bounded number of them. A network that is not in the table has its full budget.
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

    /// - Parameter capacity: The maximum number of networks and sites.
    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    /// Charges one claim to the network and to its site.
    ///
    /// - Returns: `nil` if it is granted.
    mutating func claim(_ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        if let refusal = refusal(of: network, limits, at: now) { return refusal }
        change(network, limits, at: now) { entry, _ in entry.claims.charge(1) }
        return nil
    }

    /// Charges the actual size of a copy, even if the network has less left.
    mutating func charge(_ bytes: Int64, to network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) {
        change(network, limits, at: now) { entry, limits in entry.bytes.charge(Double(max(bytes, 0)), maxDebt: limits.maxDebt) }
    }

    /// Why a claim would be refused now, because of the network or its site; `nil` if it would not.
    func refusal(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        ownRefusal(of: network, limits, at: now) ?? network.site.flatMap { ownRefusal(of: $0, limits, at: now) }
    }

    /// Whether a network and its site may be sent more bytes now.
    func hasBytes(_ network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Bool {
        guard limits.bytes != nil else { return true }
        return [network, network.site].allSatisfy { holder in
            guard let holder, let entry = entries[holder] else { return true }
            return Self.refilled(entry, limits.of(holder), at: now).bytes.level > 0
        }
    }

    private func ownRefusal(of network: ClientNetwork, _ limits: ColdClaimLimits, at now: ContinuousClock.Instant) -> Refusal? {
        let limits = limits.of(network)
        return entries[network].flatMap { Self.refusal(Self.refilled($0, limits, at: now), limits) }
    }

    /// Networks and sites whose claims would be refused now.
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

    /// Forgets half of the networks: first those with a full budget, for which it makes no difference, then those that would have one next. So
    /// flooding the table with networks does not clear a large debt before all smaller ones.
    ///
    /// Half at once, because this examines all of them.
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
