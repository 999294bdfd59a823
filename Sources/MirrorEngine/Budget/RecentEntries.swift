/// Those of any number of entries that were made last: two halves, of which the older one is dropped when the newer one is full.
struct RecentEntries<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private let capacity: Int

    /// - Parameter capacity: Entries that are held, at most.
    init(capacity: Int) {
        self.capacity = capacity
    }

    subscript(key: Key) -> Value? { newer[key] ?? older[key] }

    var isEmpty: Bool { newer.isEmpty && older.isEmpty }

    mutating func insert(_ value: Value, for key: Key) {
        if newer[key] == nil, newer.count >= capacity / 2 { (newer, older) = ([:], newer) }
        newer[key] = value
    }

    mutating func remove(_ key: Key) -> Value? {
        let old = older.removeValue(forKey: key)
        return newer.removeValue(forKey: key) ?? old
    }
}
