import Dispatch

/// Holds threads until it is opened, as a name server that does not answer does.
final class FakeThreadBlock: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let (reached, reach) = AsyncStream.makeStream(of: Void.self)

    func wait() {
        reach.yield()
        semaphore.wait()
        // For the next one.
        semaphore.signal()
    }

    /// Returns when one more thread is held. To be called from one task.
    func isReached() async {
        for await _ in reached { return }
    }

    func open() { semaphore.signal() }
}
