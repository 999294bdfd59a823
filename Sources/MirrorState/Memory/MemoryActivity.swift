import MirrorCore

/// What a ``MemoryStateStore`` holds as an ``ActivityStore``.
struct MemoryActivity {
    let history: Int
    let maxSums: Int
    private(set) var records: [ActivityKey: ActivityRecord] = [:]
    private(set) var sums: [String: Double] = [:]
    private var classes: [String] = []
    private(set) var documents: [ActivityDocument: ActivityDocument.Version] = [:]
    private var lease: ComputingLease?

    /// - Parameter history: The maximum number of records; 1 or more.
    init(history: Int, maxSums: Int) {
        self.history = max(1, history)
        self.maxSums = maxSums
    }

    // MARK: Records

    mutating func update<Outcome>(
        _ keys: [ActivityKey], _ change: (Int, inout ActivityRecord?) -> Outcome
    ) -> ActivityUpdate<Outcome> {
        let outcomes = keys.indices.map { position in change(position, &records[keys[position]]) }
        return ActivityUpdate(outcomes: outcomes, dropped: drop())
    }

    mutating func remove(_ keys: [ActivityKey]) {
        for key in keys { records[key] = nil }
    }

    /// All are one page: they are in memory already.
    func page(after: ActivityKey?) -> ActivityPage {
        let entries = records.map { ActivityPage.Entry(key: $0.key, record: $0.value) }.sorted { $0.key < $1.key }
        guard let after else { return ActivityPage(entries: entries, next: nil) }
        return ActivityPage(entries: entries.filter { after < $0.key }, next: nil)
    }

    /// Some more than have to go, so that the next ones find room without a look at all.
    private mutating func drop() -> [ActivityRecord] {
        guard records.count > history else { return [] }
        let oldest = records.sorted { ($0.value.clock, $0.key) < ($1.value.clock, $1.key) }
            .prefix(records.count - history + history / ActivityLimits.spare)
        for (key, _) in oldest { records[key] = nil }
        return oldest.map(\.value)
    }

    // MARK: Sums

    mutating func add(_ deltas: [String: Double]) -> [String: Double] {
        var added: [String: Double] = [:]
        for (name, delta) in ActivityLimits.accepted(deltas) where sums[name] != nil || sums.count < maxSums {
            sums[name, default: 0] += delta
            added[name] = sums[name]
        }
        return added
    }

    mutating func removeSums(_ names: [String]) {
        for name in names { sums[name] = nil }
    }

    mutating func addClasses(_ names: [String]) -> [String] {
        classes = ActivityLimits.classes(classes, adding: names)
        return classes
    }

    // MARK: What was computed

    mutating func replace(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) -> Int64? {
        let current = documents[name]?.number ?? 0
        guard current == version else { return nil }
        documents[name] = ActivityDocument.Version(number: current + 1, bytes: bytes)
        return current + 1
    }

    mutating func takeLease(_ holder: String, at now: Timestamp, duration: Duration) -> Bool {
        lease?.clampWait(at: now)
        if let lease, lease.holder != holder, lease.ends > now { return false }
        lease = ComputingLease(holder: holder, at: now, duration: duration)
        return true
    }

    mutating func giveBackLease(_ holder: String) {
        if lease?.holder == holder { lease = nil }
    }
}
