package import CoreMetrics

extension Counter {
    /// Creates a counter for each value of a label.
    ///
    /// - Parameter dimensions: Labels that all the counters have in common.
    package static func each<Value: RawRepresentable<String> & Hashable>(
        of values: some Sequence<Value>, _ name: String, _ dimensions: [(String, String)] = [], label: String, factory: any MetricsFactory
    ) -> [Value: Counter] {
        Dictionary(values.map { ($0, Counter(label: name, dimensions: dimensions + [(label, $0.rawValue)], factory: factory)) }) { $1 }
    }
}
