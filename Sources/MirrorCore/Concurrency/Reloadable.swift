import Synchronization

/// A setting that can be replaced while the process runs. Whoever has read it goes on with what was so then.
package final class Reloadable<Value: Sendable>: Sendable {
    private let current: Mutex<Value>
    private let replacements = Atomic(0)

    package init(_ value: Value) {
        current = Mutex(value)
    }

    package var value: Value { current.withLock { $0 } }

    /// How often the value was replaced. Costs no lock: for those who keep what they made of a value for as long as it holds.
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
