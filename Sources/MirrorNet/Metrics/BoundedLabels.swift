import Synchronization

/// Values of a metric label that are not known in advance: the first hundred as they are, so that an operator can look at them, and `other` for the
/// rest.
package final class BoundedLabels: Sendable {
    package static let max = 100

    private let values = Mutex<Set<String>>([])

    package init() {}

    /// - Returns: The value, or `other` if there are too many; and whether the value is new.
    package func note(_ value: String) -> (label: String, isNew: Bool) {
        values.withLock { values in
            if values.contains(value) { return (value, false) }
            guard values.count < Self.max else { return ("other", false) }
            values.insert(value)
            return (value, true)
        }
    }
}
