import MirrorCore
import MirrorStorage
import Synchronization

/// Remembers for a while what a pool's service would not copy by itself, so that not every copy asks in vain.
///
/// One object that cannot be copied (archived, just deleted, encrypted with a key of somebody else's) says nothing about the others of its bucket, or of
/// its host. Several in a row do, and so does a service that does not know how to copy.
final class ServerSideRefusals: Sendable {
    private static let life: Duration = .seconds(600)
    /// Objects in a row that stand for the place where they lie.
    private static let maxInRow = 3
    private static let maxHeld = 1_000

    private struct Place: Hashable {
        /// What a URL lies at is named by whoever asks for it, a bucket by the operator.
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
        /// Since the last copy from the place that succeeded.
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
            // What is not there, or changed, is the object's own affair, and so is what its origin states of it.
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
            // By the artifact's name: a URL may be signed anew each time.
            let place = Place(kind: .url, endpoint: source.place, bucket: "", pool: attempt.pool.id)
            return Object(place: place, key: attempt.artifact.description, version: nil)
        }
    }
}
