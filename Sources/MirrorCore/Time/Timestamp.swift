/// A moment on the wall clock, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Wall-clock time and not monotonic, because other processes and other machines store and read it.
public struct Timestamp: Sendable, Hashable, Comparable, InstantProtocol {
    /// Since 1970-01-01T00:00:00Z; negative before.
    public let milliseconds: Int64

    /// - Parameter milliseconds: Since 1970-01-01T00:00:00Z; negative before.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (lhs: Timestamp, rhs: Timestamp) -> Bool {
        lhs.milliseconds < rhs.milliseconds
    }

    /// Saturates instead of trapping: a configured duration of thousands of years is odd but not fatal.
    public func advanced(by duration: Duration) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        if overflow { return Timestamp(milliseconds: duration < .zero ? .min : .max) }
        return Timestamp(milliseconds: sum)
    }

    /// The duration from this moment to the other, negative if that is earlier; saturates, too.
    public func duration(to other: Timestamp) -> Duration {
        let (difference, overflow) = other.milliseconds.subtractingReportingOverflow(milliseconds)
        if overflow { return .milliseconds(other < self ? Int64.min : Int64.max) }
        return .milliseconds(difference)
    }

    /// See ``advanced(by:)``.
    public static func + (lhs: Timestamp, rhs: Duration) -> Timestamp { lhs.advanced(by: rhs) }
    /// See ``advanced(by:)``.
    public static func - (lhs: Timestamp, rhs: Duration) -> Timestamp { lhs.advanced(by: .zero - rhs) }
}

extension Duration {
    /// Rounded towards zero, saturated to the range of `Int64`.
    public var wholeMilliseconds: Int64 {
        // Not `components`, which traps if the seconds do not fit.
        Int64(clamping: attoseconds / 1_000_000_000_000_000)
    }

    /// Seconds with a fraction, for metrics and messages.
    public var inSeconds: Double {
        Double(attoseconds) / 1e18
    }
}
