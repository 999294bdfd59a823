package import CoreMetrics
import Synchronization

/// All metrics of the process, as a backend of swift-metrics, written as Prometheus text.
///
/// A metric made twice with the same name and labels is the same metric. Names and label values never come from clients, so their number is
/// bounded.
/// - SeeAlso: Prometheus, "Exposition formats", text format 0.0.4.
package final class MetricsRegistry: MetricsFactory {
    private let families = Mutex<[String: MetricFamily]>([:])

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter) { CounterMetric() }
    }

    /// A part of a counter, for one event loop.
    func part(of name: String, _ labels: [(String, String)]) -> CounterPart {
        find(name, labels, .counter) { CounterMetric() }.part()
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        find(label, dimensions, .counter) { FloatingPointMetric() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions, .gauge) { FloatingPointMetric() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return find(label, dimensions, .histogram) { HistogramMetric() } }
        return find(label, dimensions, .gauge) { FloatingPointMetric() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .histogram) { HistogramMetric() }
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// A counter's or gauge's values by their labels, for the statistics page.
    package func values(of name: String) -> [(labels: [String: String], value: Double)] {
        let samples = families.withLock { $0[name]?.samples.values.map { $0 } ?? [] }
        return samples.compactMap { sample in
            sample.metric.value.map { (Dictionary(sample.labels, uniquingKeysWith: { first, _ in first }), $0) }
        }
    }

    /// A histogram's observations by their labels, each as counts in the buckets that ``HistogramMetric/bounds`` and infinity end.
    func buckets(of name: String) -> [(labels: [String: String], counts: [UInt64])] {
        let samples = families.withLock { $0[name]?.samples.values.map { $0 } ?? [] }
        return samples.compactMap { sample in
            (sample.metric as? HistogramMetric).map { (Dictionary(sample.labels, uniquingKeysWith: { first, _ in first }), $0.counts) }
        }
    }

    /// All metrics, sorted by name.
    package func prometheusText() -> String {
        let snapshot = families.withLock { $0 }
        var text = ""
        for name in snapshot.keys.sorted() {
            guard let family = snapshot[name] else { continue }
            if let help = MetricCatalog.help(for: name) { text += "# HELP \(name) \(help)\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for key in family.samples.keys.sorted() {
                guard let sample = family.samples[key] else { continue }
                sample.metric.write(name, sample.labels, to: &text)
            }
        }
        return text
    }

    /// If the name is in use for another kind, the new metric counts but is not shown: names are the program's own.
    private func find<M: PrometheusMetric>(_ name: String, _ labels: [(String, String)], _ kind: MetricFamily.Kind, make: () -> M) -> M {
        let key = MetricFamily.key(labels)
        return families.withLock { families in
            var family = families[name] ?? MetricFamily(kind: kind)
            if family.kind == kind, let known = family.samples[key]?.metric as? M { return known }
            let metric = make()
            guard family.kind == kind, family.samples[key] == nil else { return metric }
            family.samples[key] = MetricFamily.Sample(labels: labels, metric: metric)
            families[name] = family
            return metric
        }
    }
}

/// The metrics of one name.
struct MetricFamily {
    enum Kind: String {
        case counter, gauge, histogram
    }

    struct Sample {
        let labels: [(String, String)]
        let metric: any PrometheusMetric
    }

    let kind: Kind
    var samples: [String: Sample] = [:]

    static func key(_ labels: [(String, String)]) -> String {
        labels.map { "\($0.0)=\($0.1)" }.sorted().joined(separator: "\u{1}")
    }
}

/// Something that writes itself as Prometheus text.
protocol PrometheusMetric: AnyObject, Sendable {
    /// The current value, if there is a single one.
    var value: Double? { get }
    func write(_ name: String, _ labels: [(String, String)], to text: inout String)
}

extension PrometheusMetric {
    func labelText(_ labels: [(String, String)], _ more: (String, String)? = nil) -> String {
        let all = labels + (more.map { [$0] } ?? [])
        guard !all.isEmpty else { return "" }
        let pairs = all.map { "\($0.0)=\"\(Self.escape($0.1))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    private static func escape(_ value: String) -> String {
        var out = ""
        // Scalars, not characters: a line break may be part of a character, as in CR LF.
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
