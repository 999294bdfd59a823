import CoreMetrics

/// Keeps counters, gauges and what histograms observe; everything else is thrown away.
final class CountingMetrics: MetricsFactory {
    private final class CountingHandler: CounterHandler {
        private let name: String
        private let metrics: CountingMetrics

        init(name: String, metrics: CountingMetrics) {
            self.name = name
            self.metrics = metrics
        }

        func increment(by amount: Int64) { metrics.counts.change { $0[name, default: 0] += amount } }
        func reset() { metrics.counts.change { $0[name] = 0 } }
    }

    private final class GaugeHandler: RecorderHandler {
        private let name: String
        private let metrics: CountingMetrics

        init(name: String, metrics: CountingMetrics) {
            self.name = name
            self.metrics = metrics
        }

        func record(_ value: Int64) { record(Double(value)) }
        func record(_ value: Double) { metrics.gauges.change { $0[name] = value } }
    }

    private final class HistogramHandler: RecorderHandler {
        private let name: String
        private let metrics: CountingMetrics

        init(name: String, metrics: CountingMetrics) {
            self.name = name
            self.metrics = metrics
        }

        func record(_ value: Int64) { record(Double(value)) }
        func record(_ value: Double) { metrics.observations.change { $0[name, default: []].append(value) } }
    }

    private let observations = Watched<[String: [Double]]>([:])
    private let gauges = Watched<[String: Double]>([:])
    private let counts = Watched<[String: Int64]>([:])

    /// The sum of a counter over all its dimensions, or over those that have `value` as one of theirs.
    func total(_ label: String, _ value: String? = nil) -> Int64 {
        Self.total(counts.current, label, value)
    }

    /// A gauge, by the values of its dimensions in their order; `nil` before it is recorded.
    func gauge(_ label: String, _ values: String...) -> Double? {
        gauges.current[([label] + values).joined(separator: " ")]
    }

    /// What a histogram has observed, by the values of its dimensions in their order.
    func observed(_ label: String, _ values: String...) -> [Double] {
        observations.current[([label] + values).joined(separator: " ")] ?? []
    }

    /// Returns once such a sum is as large: what is counted of a copy is counted after those who wait for it are woken.
    func reach(_ sum: Int64, _ label: String, _ value: String? = nil) async throws {
        try await counts.until { Self.total($0, label, value) >= sum }
    }

    private static func total(_ counts: [String: Int64], _ label: String, _ value: String?) -> Int64 {
        counts.filter { entry in
            let words = entry.key.split(separator: " ").map(String.init)
            return words.first == label && (value.map { words.contains($0) } ?? true)
        }.values.reduce(0, +)
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        CountingHandler(name: ([label] + dimensions.map(\.1)).joined(separator: " "), metrics: self)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let name = ([label] + dimensions.map(\.1)).joined(separator: " ")
        return aggregate ? HistogramHandler(name: name, metrics: self) : GaugeHandler(name: name, metrics: self)
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        NOOPMetricsHandler.instance.makeMeter(label: label, dimensions: dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        NOOPMetricsHandler.instance.makeTimer(label: label, dimensions: dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
