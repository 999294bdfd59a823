import MirrorCore
import MirrorStorage
import Synchronization

/// Remembers for a while what a pool's service would not copy by itself, so that not every copy asks in vain.
///
/// One object that cannot be copied (archived, just deleted, encrypted with a key of somebody else's) says nothing about the others of its bucket. Several
/// in a row do, and so does a service that does not know how to copy.
final class ServerSideRefusals: Sendable {
    private static let life: Duration = .seconds(600)
    /// Objects in a row that stand for their bucket.
    private static let maxInRow = 3
    private static let maxHeld = 1_000

    private struct Place: Hashable {
        let endpoint: String
        let bucket: String
        let pool: PoolID

        init(_ source: CopySource, _ pool: PoolID) {
            endpoint = source.endpoint
            bucket = source.bucket
            self.pool = pool
        }
    }

    private struct Object: Hashable {
        let place: Place
        let key: String
        let version: String?

        init(_ source: CopySource, _ pool: PoolID) {
            place = Place(source, pool)
            key = source.key
            version = source.version
        }
    }

    private struct State {
        var objects: [Object: ContinuousClock.Instant] = [:]
        var places: [Place: ContinuousClock.Instant] = [:]
        /// Since the last copy out of the bucket that succeeded.
        var inRow: [Place: Set<Object>] = [:]
    }

    private let state = Mutex(State())

    func contains(_ source: CopySource, _ pool: PoolID, at now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            let ends = [state.objects[Object(source, pool)], state.places[Place(source, pool)]]
            return ends.contains { $0.map { $0 > now } ?? false }
        }
    }

    /// - Returns: Whether the whole bucket is refused from now on.
    func insert(_ source: CopySource, _ pool: PoolID, because code: StorageError.Code, at now: ContinuousClock.Instant) -> Bool {
        let (object, place) = (Object(source, pool), Place(source, pool))
        let end = now + Self.life
        return state.withLock { state in
            // Buckets are configured, so there are never many of those.
            if state.objects.count >= Self.maxHeld { state.objects = state.objects.filter { $0.value > now } }
            if state.objects.count >= Self.maxHeld { state.objects = [:] }
            state.objects[object] = end
            // What is not there, or changed, is the object's own affair, and so is what its copy came out as.
            guard ![.notFound, .preconditionFailed, .checksumMismatch].contains(code) else { return false }
            state.inRow[place, default: []].insert(object)
            guard code == .unsupported || state.inRow[place, default: []].count >= Self.maxInRow else { return false }
            state.inRow[place] = nil
            state.places[place] = end
            return true
        }
    }

    func succeeded(_ source: CopySource, _ pool: PoolID) {
        state.withLock { $0.inRow[Place(source, pool)] = nil }
    }
}
