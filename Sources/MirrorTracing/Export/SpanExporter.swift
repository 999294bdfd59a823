package import Logging
package import MirrorCore
import ServiceLifecycle
import Synchronization

/// Sends spans to the collector, a batch at a time. Nobody waits for it: what it cannot send in time is dropped.
///
/// On graceful shutdown it sends what is left, for at most ``flushLimit``; it is the last to stop, so that the spans of the others are among it.
/// - SeeAlso: OpenTelemetry Protocol Specification, "OTLP/HTTP", for what is sent again.
package final class SpanExporter: Service {
    /// How long spans wait for others, before they are sent with them.
    static let interval = Duration.seconds(5)
    /// The limit for one request, from the connection to the last byte of the answer.
    static let requestLimit = Duration.seconds(10)
    /// How long a shutdown waits for the collector.
    static let flushLimit = Duration.seconds(2)
    /// How often a batch is sent.
    static let maxAttempts = 5
    /// Whoever asks for a longer pause gets the next batch instead.
    static let maxPause = Duration.seconds(60)
    private static let backoff = Backoff(first: .seconds(1), limit: .seconds(30))
    /// 429 and those that a proxy or a busy server gives.
    private static let transientStatuses: Set = [429, 502, 503, 504]

    private let queue: SpanQueue
    private let encoder: OTLPEncoder
    private let collector: Collector
    private let metrics: TraceMetrics
    private let clock: any MirrorClock
    private let logger: Logger
    private let isStopping = Mutex(false)
    /// Both notified when the process stops; each has one task that waits for it.
    private let (stop, pauseEnd) = (Signal(), Signal())
    /// Whether the last batch was lost, so that only the first of many is logged.
    private let isFailing = Mutex(false)

    package init(
        _ configuration: TracingConfiguration, queue: SpanQueue, collector: Collector, metrics: TraceMetrics, clock: any MirrorClock,
        logger: Logger
    ) {
        self.queue = queue
        self.collector = collector
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        encoder = OTLPEncoder(resource: configuration.resource)
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.work() }
                group.addTask {
                    await self.stop.wait(upTo: nil, clock: self.clock)
                    try? await self.clock.sleep(for: Self.flushLimit)
                }
                await group.next()
                group.cancelAll()
            }
            var left = 0
            while case let batch = self.queue.take(), !batch.isEmpty { left += batch.count }
            if left > 0 { self.metrics.count(.dropped, left) }
        } onGracefulShutdown: {
            self.isStopping.withLock { $0 = true }
            for signal in [self.stop, self.pauseEnd, self.queue.isFull] { signal.notify() }
        }
    }

    private var mustStop: Bool { isStopping.withLock { $0 } || Task.isCancelled }

    private func work() async {
        while !mustStop {
            await queue.isFull.wait(upTo: Self.interval, clock: clock)
            while !mustStop, case let batch = queue.take(), !batch.isEmpty { await export(batch) }
        }
        // What is left is sent once.
        while !Task.isCancelled, case let batch = queue.take(), !batch.isEmpty { note(await send(batch), batch) }
    }

    /// Sends a batch until the collector has it, or there is no hope for it.
    private func export(_ batch: [FinishedSpan]) async {
        for attempt in 1...Self.maxAttempts {
            let outcome = await send(batch)
            guard case .again(let reason, let asked) = outcome else { return note(outcome, batch) }
            let pause = max(Self.backoff.pause(after: attempt, jitter: 0.5, random: .random(in: 0..<1)), asked ?? .zero)
            guard attempt < Self.maxAttempts, pause <= Self.maxPause, !mustStop else { return note(.failed(reason), batch) }
            await pauseEnd.wait(upTo: pause, clock: clock)
        }
    }

    private enum Outcome {
        /// - rejected: Spans that the collector did not want.
        case done(rejected: Int)
        case again(String, after: Duration?)
        case failed(String)
    }

    private func send(_ batch: [FinishedSpan]) async -> Outcome {
        let (encoder, collector) = (encoder, collector)
        do {
            let answer = try await leaving(after: Self.requestLimit, by: clock) { try await collector.send(try encoder.encode(batch)) }
            guard let answer else { return .again("the collector did not answer in time", after: nil) }
            if (200..<300).contains(answer.status) { return .done(rejected: OTLPEncoder.rejected(answer.body)) }
            let reason = "the collector answered \(answer.status)"
            guard Self.transientStatuses.contains(answer.status) else { return .failed(reason) }
            // One second more than the limit: longer than what is waited for.
            let limit = Self.maxPause + .seconds(1)
            return .again(reason, after: answer.retryAfter.flatMap { Duration(retryAfter: $0, now: clock.now, limit: limit) })
        } catch is CancellationError {
            return .failed("the process ended before the collector answered")
        } catch {
            return .again("\(error)", after: nil)
        }
    }

    private func note(_ outcome: Outcome, _ batch: [FinishedSpan]) {
        switch outcome {
        case .done(let rejected):
            let lost = min(rejected, batch.count)
            metrics.count(.exported, batch.count - lost)
            metrics.count(.failed, lost)
            tell(lost > 0 ? "the collector rejects spans" : nil)
        case .again(let reason, _), .failed(let reason):
            metrics.count(.failed, batch.count)
            tell(reason)
        }
    }

    /// - Parameter reason: Why spans are lost; `nil` if none are.
    private func tell(_ reason: String?) {
        let wasFailing = isFailing.withLock { isFailing in
            defer { isFailing = reason != nil }
            return isFailing
        }
        if let reason, !wasFailing { logger.warning("spans cannot be exported", metadata: ["error": "\(reason)"]) }
        if reason == nil, wasFailing { logger.notice("spans are exported again") }
    }
}
