package import Logging
package import MirrorCore
package import MirrorState
import MirrorStorage

/// Records objects that a pool has but the state does not know.
package struct Backfill: Sendable {
    /// How often it looks; an object that is removed again and again is not worth more.
    private static let maxLooks = 4

    private let state: any StateStore
    private let publications: PublicationLock
    private let clock: any WallClock
    private let logger: Logger

    package init(state: any StateStore, publications: PublicationLock, clock: any WallClock, logger: Logger) {
        self.state = state
        self.publications = publications
        self.clock = clock
        self.logger = logger
    }

    /// Looks in the pool and records the object if it is there, while nothing in this process publishes or removes it: an object that was seen
    /// before, such as in a listing, may have been purged since. If another process removes it between the lookup and the record, it looks again.
    ///
    /// - Returns: The replica as it is afterwards, whichever process recorded it; `nil` if the pool does not have it.
    func record(_ id: ReplicaID, in pool: Pool) async throws -> Replica? {
        try await publications.withPermit(id) {
            for _ in 0..<Self.maxLooks {
                let moment = try await state.moment(in: id.pool)
                let info: ObjectInfo
                do {
                    info = try await pool.store.head(ObjectKey(id.artifact))
                } catch let error as StorageError where error.code == .notFound {
                    return nil
                }
                var object = StoredObject(info, lastUsed: clock.now)
                if pool.store.capabilities.features.contains(.presignedLocations) { object.representation = Representation(info) }
                guard let replica = try await state.recordPresent(id, object, seenSince: moment) else { continue }
                logger.info("found in the pool", metadata: ["artifact": "\(id.artifact.redacted)", "pool": "\(id.pool)"])
                return replica
            }
            return nil
        }
    }
}
