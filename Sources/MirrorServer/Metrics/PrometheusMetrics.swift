import CoreMetrics
import Synchronization

final class CounterMetric: CounterHandler, PrometheusMetric {
    private let count = Atomic<Int64>(0)
    private let parts = Mutex<[CounterPart]>([])

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() {
        count.store(0, ordering: .relaxed)
        for part in parts.withLock({ $0 }) { part.reset() }
    }

    /// A part for a single caller that counts often.
    func part() -> CounterPart {
        let part = CounterPart()
        parts.withLock { $0.append(part) }
        return part
    }

    var total: Int64 {
        parts.withLock { $0 }.reduce(count.load(ordering: .relaxed)) { $0 &+ $1.value }
    }

    var value: Double? { Double(total) }

    func write(_ name: String, _ labels: [(String, String)], to text: inout String) {
        text += "\(name)\(labelText(labels)) \(total)\n"
    }
}

/// The count of one event loop: nothing else adds to it, so no processor waits for another. Summed when the counter is read.
final class CounterPart: Sendable {
    private let count = Atomic<Int64>(0)

    /// Not to be called by two threads at a time.
    func add(_ amount: Int64) { count.store(count.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }

    fileprivate var value: Int64 { count.load(ordering: .relaxed) }

    fileprivate func reset() { count.store(0, ordering: .relaxed) }
}

/// A fractional number: a gauge, or a counter of fractions.
final class FloatingPointMetric: MeterHandler, RecorderHandler, FloatingPointCounterHandler, PrometheusMetric {
    private let bits = Atomic<UInt64>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func reset() { set(0.0) }

    private func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (isExchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if isExchanged { return }
            old = original
        }
    }

    var value: Double? { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func write(_ name: String, _ labels: [(String, String)], to text: inout String) {
        text += "\(name)\(labelText(labels)) \(Double(bitPattern: bits.load(ordering: .relaxed)))\n"
    }
}

/// Seconds in fixed buckets from a millisecond to ten minutes, which suit waits and copies.
final class HistogramMetric: RecorderHandler, TimerHandler, PrometheusMetric {
    static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
    ]

    private struct State {
        var buckets = [UInt64](repeating: 0, count: HistogramMetric.bounds.count + 1)
        var sum = 0.0
        /// Observations that were counted but not timed; they belong to the lowest bucket.
        var untimed: UInt64 = 0
    }

    private let state = Mutex(State())

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.buckets[bucket] += 1
            state.sum += value
        }
    }

    /// Counts as many observations in the lowest bucket as are missing from a total.
    ///
    /// Their number never decreases, even if something was timed that is not in the total yet.
    func fill(upTo total: Int64) {
        state.withLock { state in
            let timed = state.buckets.reduce(0, +)
            guard total > 0, UInt64(total) > timed else { return }
            state.untimed = max(state.untimed, UInt64(total) - timed)
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    var value: Double? { nil }

    /// Observations in each bucket by itself.
    var counts: [UInt64] {
        state.withLock { state in
            var counts = state.buckets
            counts[0] += state.untimed
            return counts
        }
    }

    func write(_ name: String, _ labels: [(String, String)], to text: inout String) {
        let state = state.withLock { $0 }
        var count = state.untimed
        for (bucket, bound) in zip(state.buckets, Self.bounds.map { "\($0)" } + ["+Inf"]) {
            count += bucket
            text += "\(name)_bucket\(labelText(labels, ("le", bound))) \(count)\n"
        }
        text += "\(name)_sum\(labelText(labels)) \(state.sum)\n"
        text += "\(name)_count\(labelText(labels)) \(count)\n"
    }
}
