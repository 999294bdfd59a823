package import CoreMetrics
package import Logging
package import MirrorCore
import Synchronization

/// Counts requests to origins, by origin and answer, and measures how long their answers take to begin. Tells the operator of hosts that origins
/// redirect to, and that are not allowed.
package final class OriginMetrics: Sendable {
    package enum Name {
        package static let requests = "cloud_mirror_origin_requests_total"
        package static let seconds = "cloud_mirror_origin_request_duration_seconds"
        package static let refusedRedirects = "cloud_mirror_refused_redirects_total"
    }

    private let factory: any MetricsFactory
    private let clock: any MonotonicClock
    private let logger: Logger
    private let origins = BoundedLabels()
    private let refusedHosts = BoundedLabels()
    /// Kept, because the registry takes longer to find one than the counter to count.
    private let counters = Mutex<[Answers: Counter]>([:])
    private let recorders = Mutex<[String: Recorder]>([:])

    private struct Answers: Hashable {
        let origin: String
        let status: String
    }

    /// - Parameter logger: By default, nothing is logged.
    package init(
        factory: any MetricsFactory, clock: any MonotonicClock = SystemClock(),
        logger: Logger = Logger(label: "origins", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.factory = factory
        self.clock = clock
        self.logger = logger
    }

    /// Counts a request when its answer has begun, or when it has failed. Only answers are timed. A cancelled request does not count, unless its time
    /// was over.
    ///
    /// - Parameters:
    ///   - origin: A name from the configuration, because clients can make up hosts.
    ///   - end: When the request is cancelled if it has no answer by then; `nil` if it may take any time.
    package func counting<Answer>(
        _ origin: String, until end: ContinuousClock.Instant? = nil, status: (Answer) -> Int,
        isolation: isolated (any Actor)? = #isolation, _ ask: () async throws -> Answer
    ) async throws -> Answer {
        let began = clock.instant
        do {
            let answer = try await ask()
            let label = count(origin, Self.word(status(answer)))
            recorder(of: label).record(began.duration(to: clock.instant).inSeconds)
            return answer
        } catch let error as CancellationError {
            if let end, clock.instant >= end { _ = count(origin, "none") }
            throw error
        } catch {
            _ = count(origin, "none")
            if let error = error as? OutboundError, case .redirectRefused(let refusal, let host) = error.code {
                note(refusal, host, of: origin)
            }
            throw error
        }
    }

    /// Tells the operator which host to allow, once for each host.
    private func note(_ refusal: EgressRefusal, _ host: String, of origin: String) {
        let (label, isNew) = refusedHosts.note(host)
        Counter(
            label: Name.refusedRedirects, dimensions: [("host", label), ("reason", refusal.reason.rawValue)], factory: factory
        ).increment()
        guard isNew else { return }
        logger.notice(
            "an origin redirects to a host that is not allowed: what is there is not copied, and clients are left to the origin; add the host to origins.allow, or to the links of the named origin, if the mirror should fetch from it",
            metadata: ["origin": "\(origin)", "host": "\(host)", "reason": "\(refusal.reason.rawValue)"])
    }

    /// - Returns: The label of the origin.
    private func count(_ origin: String, _ status: String) -> String {
        let answers = Answers(origin: origins.note(origin).label, status: status)
        let counter = counters.withLock { counters in
            if let counter = counters[answers] { return counter }
            let dimensions = [("origin", answers.origin), ("status", answers.status)]
            let counter = Counter(label: Name.requests, dimensions: dimensions, factory: factory)
            counters[answers] = counter
            return counter
        }
        counter.increment()
        return answers.origin
    }

    private func recorder(of label: String) -> Recorder {
        recorders.withLock { recorders in
            if let recorder = recorders[label] { return recorder }
            let recorder = Recorder(label: Name.seconds, dimensions: [("origin", label)], aggregate: true, factory: factory)
            recorders[label] = recorder
            return recorder
        }
    }

    /// One of five words, whatever the status. 429 is separate from the other 4xx because it means: send fewer requests.
    private static func word(_ status: Int) -> String {
        switch status {
        case 200..<300: "2xx"
        case 300..<400: "3xx"
        case 429: "429"
        case 400..<500: "4xx"
        default: "5xx"
        }
    }
}

extension EgressPolicy {
    /// The label in metrics for the origin of a URL: the rule that allows it, as written in the configuration.
    package func label(of url: ArtifactURL) -> String { rule(for: url)?.label ?? "other" }
}

extension EgressPolicy.AllowRule {
    /// The rule as written in the configuration; `any` without one.
    package var label: String {
        switch self {
        case .anyPublic: "any"
        case .prefix(let url, _): url.description
        case .pattern(let pattern, _): pattern
        }
    }
}
