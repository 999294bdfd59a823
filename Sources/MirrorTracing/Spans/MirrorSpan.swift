import MirrorCore
import Synchronization
package import Tracing

/// A span of this process that is recorded: a request, a copy, a sweep, or a step of one of them. It is exported once it has ended.
///
/// It is a `Span` of swift-distributed-tracing, so that what the authors of backends record becomes part of the same trace.
package final class MirrorSpan: Span {
    /// What it is for others; the numbers are those of OTLP.
    package enum Kind: Int, Sendable {
        case `internal` = 1
        case server, client, producer, consumer

        init(_ kind: SpanKind) {
            self =
                switch kind {
                case .server: .server
                case .client: .client
                case .producer: .producer
                case .consumer: .consumer
                case .internal: .internal
                }
        }
    }

    /// How it ended; the numbers are those of OTLP.
    package enum Status: Int, Sendable {
        case ok = 1
        case error = 2
    }

    private struct State {
        var name: String
        var attributes: [String: AttributeValue] = [:]
        var events: [FinishedSpan.Event] = []
        var links: [FinishedSpan.Link] = []
        var status: Status?
        var hasEnded = false
    }

    /// The attribute that says what kind of error it was.
    package static let errorType = "error.type"

    private static let maxAttributes = 32
    private static let maxEvents = 8
    private static let maxLinks = 8

    package let tracer: MirrorTracer
    /// How other spans and other processes name it.
    package let traceContext: TraceContext
    /// Whether it is exported; otherwise it exists only because a span was required.
    package let isRecording: Bool
    private let trace: LocalTrace
    private let parent: TraceContext?
    private let isParentRemote: Bool
    private let kind: Kind
    /// Nanoseconds since 1970.
    private let start: UInt64
    private let base: ServiceContext
    private let state: Mutex<State>

    /// - Parameter parent: `nil` for the first span of a trace.
    /// - Parameter isParentRemote: Whether another process has the parent.
    /// - Parameter base: The context that ``context`` adds the span to.
    init(
        _ name: String, _ kind: Kind, in trace: LocalTrace, after parent: TraceContext?, isParentRemote: Bool = false,
        isRecording: Bool = true, at start: UInt64 = DefaultTracerClock.now.nanosecondsSinceEpoch, base: ServiceContext,
        tracer: MirrorTracer
    ) {
        self.tracer = tracer
        self.trace = trace
        self.parent = parent
        self.isParentRemote = isParentRemote
        self.kind = kind
        self.start = start
        self.base = base
        self.isRecording = isRecording
        traceContext = TraceContext(traceID: trace.id, spanID: .random(), isSampled: isRecording)
        state = Mutex(State(name: name))
    }

    /// The span that the current task works for, if that is recorded.
    package static var current: MirrorSpan? { ServiceContext.current?.span }

    /// The context of the task that works for it.
    package var context: ServiceContext {
        var context = base
        context.span = self
        return context
    }

    /// A step of it.
    ///
    /// - Parameter start: When it began, in nanoseconds since 1970.
    /// - Parameter base: The context that its own adds to; `nil` for that of this span.
    /// - Returns: `nil` if its trace has as many spans as it may have.
    package func step(
        _ name: String, _ kind: Kind = .internal, at start: UInt64 = DefaultTracerClock.now.nanosecondsSinceEpoch,
        base: ServiceContext? = nil
    ) -> MirrorSpan? {
        guard isRecording else { return nil }
        guard trace.take(kind) else {
            tracer.metrics.count(.dropped)
            return nil
        }
        return MirrorSpan(name, kind, in: trace, after: traceContext, at: start, base: base ?? context, tracer: tracer)
    }

    /// Runs what it is for, and ends it.
    package func during<Result>(
        isolation: isolated (any Actor)? = #isolation, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        defer { end() }
        do {
            return try await ServiceContext.withValue(context) { try await operation() }
        } catch let error as CancellationError {
            // The result is no longer needed: the request has its answer.
            set("cloud_mirror.cancelled", true)
            throw error
        } catch {
            fail(tracer.kind(of: error))
            throw error
        }
    }

    /// States something about it. URLs must not have a query.
    package func set(_ key: String, _ value: AttributeValue?) {
        state.withLock { $0.attributes[key] = value }
    }

    /// States that it failed.
    ///
    /// - Parameter errorType: One of a few words. What was said first counts.
    package func fail(_ errorType: String) {
        state.withLock { state in
            state.status = .error
            if state.attributes[Self.errorType] == nil { state.attributes[Self.errorType] = .string(errorType) }
        }
    }

    // MARK: Span

    package var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { SpanAttributes(state.withLock { $0.attributes }.mapValues(\.attribute)) }
        set {
            var attributes: [String: AttributeValue] = [:]
            newValue.forEach { attributes[$0] = AttributeValue($1) }
            let new = attributes
            state.withLock { $0.attributes = new }
        }
    }

    package func setStatus(_ status: SpanStatus) {
        let code: Status =
            switch status.code {
            case .ok: .ok
            case .error: .error
            }
        state.withLock { $0.status = code }
    }

    package func addEvent(_ event: SpanEvent) {
        let event = FinishedSpan.Event(
            name: event.name, time: event.nanosecondsSinceEpoch, attributes: Self.bounded(event.attributes).attributes)
        state.withLock { state in
            if state.events.count < Self.maxEvents { state.events.append(event) }
        }
    }

    /// Without the error's text, which may hold what does not belong into a trace.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
        fail(tracer.kind(of: error))
    }

    package func addLink(_ link: SpanLink) {
        guard let context = link.context.span?.traceContext else { return }
        let link = FinishedSpan.Link(context: context, attributes: Self.bounded(link.attributes).attributes)
        state.withLock { state in
            if state.links.count < Self.maxLinks { state.links.append(link) }
        }
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard isRecording else { return }
        let ended = state.withLock { state -> State? in
            defer { state.hasEnded = true }
            return state.hasEnded ? nil : state
        }
        guard let ended else { return }
        let (attributes, dropped) = Self.bounded(ended.attributes)
        tracer.finish(
            FinishedSpan(
                context: traceContext, parent: parent?.spanID, isParentRemote: isParentRemote, name: ended.name, kind: kind, start: start,
                // The clock may have been set back.
                end: max(start, instant().nanosecondsSinceEpoch), attributes: attributes, droppedAttributes: dropped,
                events: ended.events, links: ended.links, status: ended.status))
    }

    private static func bounded(_ attributes: SpanAttributes) -> (attributes: [Attribute], dropped: Int) {
        var values: [String: AttributeValue] = [:]
        attributes.forEach { values[$0] = AttributeValue($1) }
        return bounded(values)
    }

    private static func bounded(_ values: [String: AttributeValue]) -> (attributes: [Attribute], dropped: Int) {
        let kept = values.sorted { $0.key < $1.key }.prefix(maxAttributes).map { Attribute(key: $0.key, value: $0.value.bounded) }
        return (kept, values.count - kept.count)
    }
}

extension ServiceContext {
    private enum SpanKey: ServiceContextKey {
        typealias Value = MirrorSpan
        static var nameOverride: String? { "cloud-mirror-span" }
    }

    /// The recorded span that a task with this context works for.
    var span: MirrorSpan? {
        get { self[SpanKey.self] }
        set { self[SpanKey.self] = newValue }
    }
}
