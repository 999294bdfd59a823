import CoreMetrics
import MirrorTracing
import Synchronization

/// Keeps how many spans were exported, dropped and lost; everything else is thrown away.
final class SpanCounts: MetricsFactory {
    private final class Handler: CounterHandler {
        private let word: String
        private let counts: SpanCounts

        init(_ word: String, _ counts: SpanCounts) {
            self.word = word
            self.counts = counts
        }

        func increment(by amount: Int64) { counts.counts.withLock { $0[word, default: 0] += Int(amount) } }
        func reset() { counts.counts.withLock { $0[word] = 0 } }
    }

    private let counts = Mutex<[String: Int]>([:])

    subscript(_ fate: TraceMetrics.Fate) -> Int { counts.withLock { $0[fate.rawValue] ?? 0 } }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { Handler(dimensions.first?.1 ?? label, self) }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance.makeRecorder(label: label, dimensions: dimensions, aggregate: aggregate)
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
