import Synchronization

/// What the spans of one request, copy or sweep of this process have in common: their trace, and how many there may be.
final class LocalTrace: Sendable {
    /// A copy in ten thousand parts sends as many requests; the trace has the first of them.
    private static let maxSpans = 128
    /// At most this many of them are requests to other servers, so that later steps still get a span.
    private static let maxRequests = 64

    private struct Counts {
        var spans = 0
        var requests = 0
    }

    let id: TraceID
    private let counts = Mutex(Counts())

    init(_ id: TraceID) {
        self.id = id
    }

    /// - Returns: Whether there may be another span.
    func take(_ kind: MirrorSpan.Kind) -> Bool {
        counts.withLock { counts in
            guard counts.spans < Self.maxSpans, kind != .client || counts.requests < Self.maxRequests else { return false }
            counts.spans += 1
            if kind == .client { counts.requests += 1 }
            return true
        }
    }
}
