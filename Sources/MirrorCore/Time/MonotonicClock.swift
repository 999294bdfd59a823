/// Measures elapsed time, which cannot be set: for deadlines, pauses, intervals and rates.
///
/// Time while the machine is suspended counts, because clients and servers elsewhere do not stop.
public protocol MonotonicClock: Sendable {
    /// Only meaningful within this process.
    var instant: ContinuousClock.Instant { get }

    /// Returns at that moment, or at once if it is past.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until deadline: ContinuousClock.Instant) async throws

    /// Returns once `duration` has passed.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(for duration: Duration) async throws

    /// Calls `action` at that moment, or soon if it is past, unless the timer is cancelled before; never within this call.
    ///
    /// - Parameter action: Must be quick, because others may be waiting for the same moment.
    func timer(at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer

    /// Calls `action` once `duration` has passed, unless the timer is cancelled before; never within this call.
    ///
    /// - Parameter action: Must be quick, because others may be waiting for the same moment.
    func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer
}

extension MonotonicClock {
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: instant + duration)
    }

    /// The default costs a task that sleeps.
    public func timer(at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        ClockTimer(action) { try await self.sleep(until: deadline) }
    }

    /// The default costs a task that sleeps.
    public func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        ClockTimer(action) { try await self.sleep(for: duration) }
    }
}

extension ContinuousClock.Instant {
    private static let origin = ContinuousClock.now

    /// The next multiple of `step`, so that many similar moments become one.
    package func roundedUp(to step: Duration) -> Self {
        let (past, length) = (Self.origin.duration(to: self).attoseconds, step.attoseconds)
        let rest = past % length
        return rest > 0 ? self + Duration(attoseconds: length - rest) : self - Duration(attoseconds: rest)
    }
}

/// Tells the time of day and measures elapsed time; tests use `ManualClock` (module MirrorTesting) instead.
public typealias MirrorClock = MonotonicClock & WallClock
