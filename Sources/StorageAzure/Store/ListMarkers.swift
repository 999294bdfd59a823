import MirrorCore
import Synchronization

/// Where listings go on.
///
/// The service knows a place in a listing by a word of its own. The words for the places where pages have ended are kept: whoever asks for
/// the next page says the last key of the one before.
final class ListMarkers: Sendable {
    private static let maxHeld = 64

    private let held = Mutex(RecentEntries<ObjectKey, String>(capacity: ListMarkers.maxHeld))

    func marker(after key: ObjectKey) -> String? { held.withLock { $0[key] } }

    func set(_ marker: String, after key: ObjectKey) { held.withLock { $0.insert(marker, for: key) } }

    func forget(_ key: ObjectKey) { held.withLock { _ = $0.remove(key) } }
}
