import MirrorCore

/// Notices that the time of day was set: it no longer agrees with the elapsed time.
struct TimeOfDayWatch {
    /// More than the two clocks of a machine drift apart between two checks.
    private static let tolerance = Duration.seconds(1)

    private let clock: any MirrorClock
    private var last: (now: Timestamp, instant: ContinuousClock.Instant)

    init(_ clock: any MirrorClock) {
        self.clock = clock
        last = (clock.now, clock.instant)
    }

    /// Whether the time was set since the last check.
    mutating func wasSet() -> Bool {
        let (now, instant) = (clock.now, clock.instant)
        let difference = last.now.duration(to: now) - last.instant.duration(to: instant)
        last = (now, instant)
        return difference > Self.tolerance || difference < .zero - Self.tolerance
    }
}
