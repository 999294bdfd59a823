import Synchronization

/// Assigns the numbers of parts, from 0, each once.
package final class PartNumbers: Sendable {
    private let next = Mutex(0)
    private let count: Int

    package init(count: Int) {
        self.count = count
    }

    /// - Returns: `nil` if there are no more.
    package func take() -> Int? {
        next.withLock { next in
            guard next < count else { return nil }
            defer { next += 1 }
            return next
        }
    }
}
