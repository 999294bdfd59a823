/// Tells the time of day: for times that are stored, reported, or compared with those of other systems.
///
/// It may be set at any moment, forwards or back. So nothing waits by it, and no duration is measured with it: see ``MonotonicClock``.
public protocol WallClock: Sendable {
    /// The time of day, in whole milliseconds.
    var now: Timestamp { get }
}
