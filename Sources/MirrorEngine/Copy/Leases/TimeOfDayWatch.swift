import MirrorCore

/// Notices that somebody has set the time of day: it no longer goes with the time that has passed.
struct TimeOfDayWatch {
    /// More than the clocks of a machine drift apart between two looks.
    private static let tolerance = Duration.seconds(1)

    private let clock: any MirrorClock
    private var last: (now: Timestamp, instant: ContinuousClock.Instant)

    init(_ clock: any MirrorClock) {
        self.clock = clock
        last = (clock.now, clock.instant)
    }

    /// Whether that has happened since the last look.
    mutating func wasSet() -> Bool {
        let (now, instant) = (clock.now, clock.instant)
        let difference = last.now.duration(to: now) - last.instant.duration(to: instant)
        last = (now, instant)
        return difference > Self.tolerance || difference < .zero - Self.tolerance
    }
}
