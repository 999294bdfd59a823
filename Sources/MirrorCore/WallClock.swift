#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
#if canImport(SwiftOverlayShims)
    // In a module that imports Synchronization anywhere, the compiler takes `timespec` for a part of this module of the toolchain.
    import SwiftOverlayShims
#endif

/// What tells the time and waits; a test puts `ManualClock` (module MirrorTesting) in its place.
public protocol WallClock: Sendable {
    var now: Timestamp { get }

    /// Returns once `duration` has passed.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The operating system's clock.
public struct SystemClock: WallClock {
    public init() {}

    public var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }
}
