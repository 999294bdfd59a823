import MirrorCore

/// Limits how many requests to one origin are in progress; further ones wait their turn.
///
/// The client's own limit cannot be used for that: it fails requests that wait longer than the connect timeout.
final class RequestSlots: Sendable {
    private let semaphore: FairSemaphore<String>

    /// - Parameter limit: The number of slots for one origin, 1 or more.
    init(limit: Int) {
        semaphore = FairSemaphore(limit: limit)
    }

    /// A place among the requests in progress; returned when it is dropped.
    final class Slot: Sendable {
        private let semaphore: FairSemaphore<String>
        private let origin: String

        fileprivate init(_ semaphore: FairSemaphore<String>, origin: String) {
            self.semaphore = semaphore
            self.origin = origin
        }

        deinit {
            semaphore.release(origin)
        }
    }

    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func slot(for origin: String) async throws -> Slot {
        try await semaphore.acquire(origin)
        return Slot(semaphore, origin: origin)
    }
}
