import Logging
import MirrorCore
import MirrorState

/// Publishes copies whose leases are still held, and records how their jobs end.
struct CopyPublisher: Sendable {
    let state: any StateStore
    let publications: PublicationLock
    let remover: ReplicaRemover
    /// How long a lease lasts.
    let lease: Duration
    let clock: any MirrorClock
    let logger: Logger

    /// Makes the object visible and the replica present. Nothing else in this process publishes or removes the replica in between.
    ///
    /// The lease is confirmed just before, so a worker that has lost it publishes nothing. A worker that loses it at that very moment removes the
    /// object again.
    ///
    /// - Throws: What ``PreparedCopy/publish(by:)`` throws; `StateError`, with the code `staleLease` when the lease is lost.
    func publish(_ copy: PreparedCopy, by lease: CopyLease) async throws -> StoredObject {
        try await publications.withPermit(lease.id) {
            _ = try await outlastingState { try await state.extend(lease, duration: self.lease) }
            let object = try await copy.publish(by: clock)
            do {
                try await uncancelled { try await finish(lease, .present(object)) }
            } catch {
                await discard(lease.id)
                throw error
            }
            return object
        }
    }

    func finish(_ lease: CopyLease, _ result: CopyResult) async throws {
        switch result {
        case .present, .failed: try await outlastingState { try await state.finish(lease, result) }
        // Not worth waiting for: without it, the lease expires and another worker takes the job.
        case .retry, .handBack: try await state.finish(lease, result)
        }
    }

    private func discard(_ id: ReplicaID) async {
        do {
            try await remover.discard(id)
        } catch {
            logger.warning("could not remove a superseded object", metadata: ["error": "\(error)"])
        }
    }

    /// Retries for as long as a lease lasts, so that a finished copy is not lost if the state is briefly unavailable.
    private func outlastingState<Success: Sendable>(_ operation: @Sendable () async throws -> Success) async throws -> Success {
        let deadline = clock.instant + lease
        while true {
            do {
                return try await operation()
            } catch let error as StateError where error.code == .unavailable && clock.instant < deadline {
                try await clock.sleep(for: .milliseconds(100))
            }
        }
    }
}
