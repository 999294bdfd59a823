import MirrorCore
import Synchronization

/// Where listings continue.
///
/// The service identifies a position in a listing by its own marker. The markers at which pages have ended are kept, because a request for the next
/// page names the last key of the previous one.
final class ListMarkers: Sendable {
    private static let maxHeld = 64

    private let held = Mutex(RecentEntries<ObjectKey, String>(capacity: ListMarkers.maxHeld))

    func marker(after key: ObjectKey) -> String? { held.withLock { $0[key] } }

    func set(_ marker: String, after key: ObjectKey) { held.withLock { $0.insert(marker, for: key) } }

    func forget(_ key: ObjectKey) { held.withLock { _ = $0.remove(key) } }
}
