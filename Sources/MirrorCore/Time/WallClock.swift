/// Tells the time of day: for what is stored, for what others are told, and to compare with what they say.
///
/// Somebody may set it at any moment, forwards or back. So nothing waits by it, and no duration is measured with it: see ``MonotonicClock``.
public protocol WallClock: Sendable {
    /// The time of day, in whole milliseconds.
    var now: Timestamp { get }
}
