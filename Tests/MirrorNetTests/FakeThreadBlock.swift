import Dispatch

/// Holds threads until it is opened, as a name server that does not answer does.
final class FakeThreadBlock: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() {
        semaphore.wait()
        // For the next one.
        semaphore.signal()
    }

    func open() { semaphore.signal() }
}
