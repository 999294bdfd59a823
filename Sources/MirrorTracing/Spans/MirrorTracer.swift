package import MirrorCore
import Synchronization
package import Tracing

/// Decides what is recorded, and hands what was recorded to the exporter.
///
/// A trace begins with a request on the slow path, a copy or a sweep (``begin(_:_:calledBy:)``). Its steps follow from the context of the task
/// (``traced(_:_:isolation:_:)``), so only those who begin a trace need the tracer.
package final class MirrorTracer: Tracer {
    private let sample: Double
    private let terms: TokenBucket.Terms?
    private let asked: Mutex<TokenBucket>
    private let queue: SpanQueue
    private let clock: any MonotonicClock
    private let errorKind: @Sendable (any Error) -> String
    let metrics: TraceMetrics
    /// Whether requests to origins name the span that they belong to.
    package let sendsToOrigins: Bool
    /// The spans that asked for copies.
    package let claims: TracedClaims

    /// - Parameter errorKind: What kind of error it is: one of a few words.
    package init(
        _ configuration: TracingConfiguration, queue: SpanQueue, metrics: TraceMetrics, clock: any MonotonicClock,
        errorKind: @escaping @Sendable (any Error) -> String = { "\(type(of: $0))" }
    ) {
        sample = configuration.sample
        sendsToOrigins = configuration.sendToOrigins
        let perSecond = Double(configuration.askedPerSecond)
        terms = perSecond > 0 ? TokenBucket.Terms(capacity: 10 * perSecond, perSecond: perSecond) : nil
        asked = Mutex(TokenBucket(terms ?? TokenBucket.Terms(capacity: 0, perSecond: 0), at: clock.instant))
        self.queue = queue
        self.metrics = metrics
        self.clock = clock
        self.errorKind = errorKind
        claims = TracedClaims(clock: clock)
    }

    private static let hasTaker = Mutex(false)

    /// From now on, what others record with swift-distributed-tracing belongs to the traces of this one. A process has one such tracer: only the first
    /// call has an effect.
    package func takeFromOthers() {
        let isFirst = Self.hasTaker.withLock { hasTaker in
            defer { hasTaker = true }
            return !hasTaker
        }
        if isFirst { InstrumentationSystem.bootstrap(self) }
    }

    /// Begins a trace, or this process's part of one.
    ///
    /// A caller's word decides whether it is recorded: if it says no, that is it; if it says yes, there is a limit on how often it is believed, because
    /// anybody can say so. Without a caller, chance decides.
    ///
    /// - Parameter caller: The span that the caller named, if any.
    /// - Returns: `nil` if it is not recorded.
    package func begin(_ name: String, _ kind: MirrorSpan.Kind, calledBy caller: TraceContext? = nil) -> MirrorSpan? {
        if let caller {
            guard caller.isSampled else { return nil }
            guard mayAsk() else {
                metrics.countRefused()
                return nil
            }
        }
        let id = caller?.traceID ?? .random()
        guard caller != nil || id.isWithin(sample) else { return nil }
        return MirrorSpan(name, kind, in: LocalTrace(id), after: caller, isParentRemote: caller != nil, base: .topLevel, tracer: self)
    }

    /// Continues a trace of this process in a task that does not descend from the one that began it.
    ///
    /// - Parameter parent: A span of this process that is recorded.
    package func begin(_ name: String, _ kind: MirrorSpan.Kind, continuing parent: TraceContext) -> MirrorSpan {
        MirrorSpan(name, kind, in: LocalTrace(parent.traceID), after: parent, base: .topLevel, tracer: self)
    }

    private func mayAsk() -> Bool {
        guard let terms else { return false }
        let now = clock.instant
        return asked.withLock { bucket in
            bucket.refill(terms, at: now)
            guard bucket.level >= 1 else { return false }
            bucket.charge(1)
            return true
        }
    }

    func finish(_ span: FinishedSpan) {
        if !queue.add(span) { metrics.count(.dropped) }
    }

    func kind(of error: any Error) -> String { errorKind(error) }

    // MARK: Tracer

    /// A step of the context's trace; without a trace, a span that is not recorded. Only the mirror itself begins traces.
    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind, at instant: @autoclosure () -> Instant,
        function: String, file fileID: String, line: UInt
    ) -> MirrorSpan {
        let context = context()
        let kind = MirrorSpan.Kind(kind)
        if let span = context.span?.step(operationName, kind, at: instant().nanosecondsSinceEpoch, base: context) { return span }
        return MirrorSpan(
            operationName, kind, in: LocalTrace(.random()), after: nil, isRecording: false, base: context, tracer: self)
    }

    package func forceFlush() {}

    /// Does nothing: what callers say is read where requests are.
    package func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
    where Extract.Carrier == Carrier {}

    package func inject<Carrier, Inject: Injector>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
    where Inject.Carrier == Carrier {
        guard let span = context.span, span.isRecording else { return }
        injector.inject(span.traceContext.traceparent, forKey: TraceContext.fieldName, into: &carrier)
    }
}
