import MirrorCore
import MirrorStorage
import Synchronization

/// Remembers for ten minutes what a pool's service refused to copy by itself, so that later copies do not ask for it again.
///
/// One object that cannot be copied (archived, just deleted, encrypted with someone else's key) says nothing about others in its bucket or on its
/// host. Several in a row do, and so does a service that cannot copy at all.
final class ServerSideRefusals: Sendable {
    private static let life: Duration = .seconds(600)
    /// After this many refused objects in a row, the whole place counts as refused.
    private static let maxInRow = 3
    private static let maxHeld = 1_000

    private struct Place: Hashable {
        /// Clients choose the hosts of URLs, the operator chooses buckets.
        let kind: Kind
        let endpoint: String
        let bucket: String
        let pool: PoolID

        enum Kind: Hashable {
            case bucket, url
        }
    }

    private struct Object: Hashable {
        let place: Place
        let key: String
        let version: String?
    }

    private struct State {
        var objects: [Object: ContinuousClock.Instant] = [:]
        var places: [Place: ContinuousClock.Instant] = [:]
        /// The objects refused since the last successful copy from the place.
        var inRow: [Place: Set<Object>] = [:]
    }

    private let state = Mutex(State())

    func contains(_ source: ServiceSource, of attempt: CopyAttempt, at now: ContinuousClock.Instant) -> Bool {
        let object = Self.object(source, attempt)
        return state.withLock { state in
            let ends = [state.objects[object], state.places[object.place]]
            return ends.contains { $0.map { $0 > now } ?? false }
        }
    }

    /// - Returns: Whether everything at the same place is refused from now on.
    func insert(
        _ source: ServiceSource, of attempt: CopyAttempt, because code: StorageError.Code, at now: ContinuousClock.Instant
    ) -> Bool {
        let object = Self.object(source, attempt)
        let end = now + Self.life
        return state.withLock { state in
            Self.set(end, of: object, in: &state.objects, at: now)
            // These concern only the object: it is missing, it has changed, or its digests do not match.
            guard ![.notFound, .preconditionFailed, .checksumMismatch].contains(code) else { return false }
            if state.inRow.count >= Self.maxHeld { state.inRow = [:] }
            state.inRow[object.place, default: []].insert(object)
            guard code == .unsupported || state.inRow[object.place, default: []].count >= Self.maxInRow else { return false }
            state.inRow[object.place] = nil
            Self.set(end, of: object.place, in: &state.places, at: now)
            return true
        }
    }

    func succeeded(_ source: ServiceSource, of attempt: CopyAttempt) {
        state.withLock { $0.inRow[Self.object(source, attempt).place] = nil }
    }

    private static func set<Key>(
        _ end: ContinuousClock.Instant, of key: Key, in held: inout [Key: ContinuousClock.Instant], at now: ContinuousClock.Instant
    ) {
        if held.count >= maxHeld { held = held.filter { $0.value > now } }
        if held.count >= maxHeld { held = [:] }
        held[key] = end
    }

    private static func object(_ source: ServiceSource, _ attempt: CopyAttempt) -> Object {
        switch source {
        case .bucket(let source):
            let place = Place(kind: .bucket, endpoint: source.endpoint, bucket: source.bucket, pool: attempt.pool.id)
            return Object(place: place, key: source.key, version: source.version)
        case .url:
            // Identified by the artifact's name, because a URL may be signed anew each time.
            let place = Place(kind: .url, endpoint: source.place, bucket: "", pool: attempt.pool.id)
            return Object(place: place, key: attempt.artifact.description, version: nil)
        }
    }
}
