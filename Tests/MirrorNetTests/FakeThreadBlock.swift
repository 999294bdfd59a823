import Dispatch

/// Holds a thread until it is opened, as a name server that does not answer does.
final class FakeThreadBlock: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}
