import NIOCore

/// The pauses between attempts: doubled each time up to a limit, half of each at random so that many clients do not retry at the same time.
struct Backoff {
    let first: TimeAmount
    let limit: TimeAmount
    private(set) var failures = 0

    mutating func reset() { failures = 0 }

    mutating func next() -> TimeAmount {
        let doubled = first.nanoseconds.multipliedReportingOverflow(by: 1 << min(failures, 32))
        failures += 1
        let pause = max(doubled.overflow ? limit.nanoseconds : min(doubled.partialValue, limit.nanoseconds), 2)
        return .nanoseconds(pause / 2 + Int64.random(in: 0...pause / 2))
    }
}
