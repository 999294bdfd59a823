import CLibrary

#if canImport(SwiftOverlayShims)
    // If any file of a module imports Synchronization, the compiler takes `timespec` for a part of this module of the toolchain.
    import SwiftOverlayShims
#endif

/// The operating system's clocks.
public struct SystemClock: MirrorClock {
    private static let sleepers = SleepQueue()

    /// All instances tell the same time.
    public init() {}

    public var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public var instant: ContinuousClock.Instant { .now }

    public func sleep(until deadline: ContinuousClock.Instant) async throws {
        try await Self.sleepers.sleep(until: deadline)
    }

    public func timer(at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        Self.sleepers.timer(at: deadline, action)
    }

    public func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        Self.sleepers.timer(at: .now + duration, action)
    }
}
