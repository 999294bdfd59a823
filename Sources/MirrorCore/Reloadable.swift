import Synchronization

/// A setting that can be replaced while the process runs. Whoever has read it goes on with what was so then.
public final class Reloadable<Value: Sendable>: Sendable {
    private let current: Mutex<Value>

    public init(_ value: Value) {
        current = Mutex(value)
    }

    public var value: Value { current.withLock { $0 } }

    public func replace(with value: Value) {
        current.withLock { $0 = value }
    }
}
