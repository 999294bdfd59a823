import Synchronization

/// Says yes so many times.
package final class Countdown: Sendable {
    private let left: Mutex<Int>

    package init(_ times: Int) {
        left = Mutex(times)
    }

    package func next() -> Bool {
        left.withLock { left in
            left -= 1
            return left >= 0
        }
    }
}
