/// Measures how much time passes, which nobody can set: for deadlines, pauses, intervals and rates.
///
/// The time in which the machine is suspended counts: whoever waits elsewhere goes on waiting meanwhile.
public protocol MonotonicClock: Sendable {
    /// Means something to this process alone.
    var instant: ContinuousClock.Instant { get }

    /// Returns at that moment, or at once when it is past.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until deadline: ContinuousClock.Instant) async throws

    /// Returns once `duration` has passed.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(for duration: Duration) async throws
}

extension MonotonicClock {
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: instant + duration)
    }
}

extension ContinuousClock.Instant {
    private static let origin = ContinuousClock.now

    /// The next of moments that lie `step` apart: so that many that are about the same become one.
    package func roundedUp(to step: Duration) -> Self {
        let (past, length) = (Self.origin.duration(to: self).attoseconds, step.attoseconds)
        let rest = past % length
        return rest > 0 ? self + Duration(attoseconds: length - rest) : self - Duration(attoseconds: rest)
    }
}

/// What tells the time of day and measures how much time passes; a test puts `ManualClock` (module MirrorTesting) in its place.
public typealias MirrorClock = MonotonicClock & WallClock
