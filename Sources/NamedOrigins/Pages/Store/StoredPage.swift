import Synchronization

/// A page that is in the store.
final class StoredPage: Sendable {
    let record: PageRecord
    /// When the origin has confirmed it, in milliseconds.
    let validated: Atomic<Int64>

    init(_ record: PageRecord, validated: Int64) {
        self.record = record
        self.validated = Atomic(validated)
    }
}

/// Why pages cannot be kept; phrased as a sentence for the operator, without its full stop.
package struct PageStoreError: Error, Sendable, CustomStringConvertible {
    package let message: String

    package var description: String { message }
}
