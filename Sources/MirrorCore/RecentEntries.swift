/// The most recent entries: two halves, of which the older one is dropped when the newer one is full.
package struct RecentEntries<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var newer: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private let capacity: Int

    /// - Parameter capacity: The maximum number of entries.
    package init(capacity: Int) {
        self.capacity = capacity
    }

    package subscript(key: Key) -> Value? { newer[key] ?? older[key] }

    package var isEmpty: Bool { newer.isEmpty && older.isEmpty }

    package mutating func insert(_ value: Value, for key: Key) {
        if newer[key] == nil, newer.count >= capacity / 2 { (newer, older) = ([:], newer) }
        newer[key] = value
    }

    package mutating func remove(_ key: Key) -> Value? {
        let old = older.removeValue(forKey: key)
        return newer.removeValue(forKey: key) ?? old
    }
}
