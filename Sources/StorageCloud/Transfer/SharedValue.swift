import MirrorCore
import Synchronization

/// A value that the first caller makes while the others wait; if that fails, the next caller makes it.
package final class SharedValue<Value: Sendable>: Sendable {
    private let turns = FairSemaphore<Bool>(limit: 1)
    private let made = Mutex<Value?>(nil)

    package init() {}

    /// The value, if it has been made.
    package var current: Value? { made.withLock { $0 } }

    /// - Throws: Errors of `make`; `CancellationError` if the task is cancelled while it waits.
    package func value(_ make: () async throws -> Value) async throws -> Value {
        if let current { return current }
        return try await turns.withPermit(true) {
            if let current { return current }
            let value = try await make()
            made.withLock { $0 = value }
            return value
        }
    }
}
