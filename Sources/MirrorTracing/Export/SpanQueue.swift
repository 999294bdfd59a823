import MirrorCore
import Synchronization

/// The spans that wait to be exported: a bounded number, so that a collector that is slow or gone costs neither memory nor time.
package final class SpanQueue: Sendable {
    /// Spans that may wait.
    static let capacity = 2_048
    /// Spans that are sent at a time.
    static let batch = 512

    private let spans = Mutex<[FinishedSpan]>([])
    /// Notified when a batch is full.
    let isFull = Signal()

    package init() {}

    /// - Returns: `false` if the span was dropped because too many are waiting.
    func add(_ span: FinishedSpan) -> Bool {
        let count = spans.withLock { spans -> Int? in
            guard spans.count < Self.capacity else { return nil }
            spans.append(span)
            return spans.count
        }
        if count == Self.batch { isFull.notify() }
        return count != nil
    }

    /// The spans that have waited longest, at most a batch.
    func take() -> [FinishedSpan] {
        spans.withLock { spans in
            let taken = Array(spans.prefix(Self.batch))
            spans.removeFirst(taken.count)
            return taken
        }
    }
}
