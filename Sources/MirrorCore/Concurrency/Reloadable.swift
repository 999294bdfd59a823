import Synchronization

/// A setting that can be replaced while the process runs. A value that was read before does not change.
package final class Reloadable<Value: Sendable>: Sendable {
    private let current: Mutex<Value>
    private let replacements = Atomic(0)

    package init(_ value: Value) {
        current = Mutex(value)
    }

    package var value: Value { current.withLock { $0 } }

    /// How often the value was replaced. Takes no lock: for callers that cache a result until the value changes.
    package var version: Int { replacements.load(ordering: .acquiring) }

    /// The value and its version.
    package var versioned: (value: Value, version: Int) {
        current.withLock { (value: $0, version: replacements.load(ordering: .relaxed)) }
    }

    package func replace(with value: Value) {
        current.withLock {
            $0 = value
            replacements.wrappingAdd(1, ordering: .releasing)
        }
    }
}
