/// Some records, in the order of their keys.
package struct ActivityPage: Sendable, Equatable {
    package struct Entry: Sendable, Hashable {
        package let key: ActivityKey
        package let record: ActivityRecord

        package init(key: ActivityKey, record: ActivityRecord) {
            self.key = key
            self.record = record
        }
    }

    package var entries: [Entry]
    /// Where the next page begins; `nil` after the last one.
    package var next: ActivityKey?

    package init(entries: [Entry], next: ActivityKey?) {
        self.entries = entries
        self.next = next
    }
}
