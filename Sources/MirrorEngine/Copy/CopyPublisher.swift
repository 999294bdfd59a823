import Logging
import MirrorCore
import MirrorState

/// Publishes copies whose leases are still held, and records how their jobs end.
struct CopyPublisher: Sendable {
    let state: any StateStore
    let desk: LeaseDesk
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
    /// - Parameter running: The copy as it runs, with its lease.
    /// - Throws: What ``PreparedCopy/publish(by:)`` throws; `StateError`, with the code `staleLease` when the lease is lost.
    func publish(_ copy: PreparedCopy, of running: CopySlots.Copy) async throws -> StoredObject {
        let id = running.lease.id
        return try await publications.withPermit(id) {
            try await outlastingState { try await confirm(running) }
            let object = try await copy.publish(by: clock)
            do {
                try await uncancelled { try await finish(running, .present(object)) }
            } catch {
                await discard(id)
                throw error
            }
            return object
        }
    }

    /// Without a write, unless the heartbeats are late: then the publication has to have time.
    private func confirm(_ running: CopySlots.Copy) async throws {
        if running.renewed.duration(to: clock.instant) < lease / 2 {
            try await state.confirm(running.lease)
        } else {
            _ = try await state.extend(running.lease, duration: lease)
        }
    }

    func finish(_ running: CopySlots.Copy, _ result: CopyResult) async throws {
        switch result {
        // Also for another attempt: a lease that expires instead counts as an attempt that took its process down.
        case .present, .failed, .retry: try await outlastingState { try await desk.finish(running, result, in: state) }
        // A process that shuts down does not wait for the state.
        case .handBack: try await desk.finish(running, result, in: state)
        }
    }

    private func discard(_ id: ReplicaID) async {
        do {
            try await remover.discard(id)
        } catch {
            logger.warning("could not remove a superseded object", metadata: ["error": "\(error)"])
        }
    }

    /// Retries for as long as a lease lasts, so that the end of a copy is not lost if the state is briefly unavailable.
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
