package import CoreMetrics
package import MirrorCore

/// Counts requests to origins, by origin and answer, and measures how long their answers take to begin.
package final class OriginMetrics: Sendable {
    package enum Name {
        package static let requests = "cloud_mirror_origin_requests_total"
        package static let seconds = "cloud_mirror_origin_request_duration_seconds"
    }

    private let factory: any MetricsFactory
    private let clock: any MonotonicClock
    private let origins = BoundedLabels()

    package init(factory: any MetricsFactory, clock: any MonotonicClock = SystemClock()) {
        self.factory = factory
        self.clock = clock
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
            Recorder(label: Name.seconds, dimensions: [("origin", label)], aggregate: true, factory: factory)
                .record(began.duration(to: clock.instant).inSeconds)
            return answer
        } catch let error as CancellationError {
            if let end, clock.instant >= end { _ = count(origin, "none") }
            throw error
        } catch {
            _ = count(origin, "none")
            throw error
        }
    }

    /// - Returns: The label of the origin.
    private func count(_ origin: String, _ status: String) -> String {
        let label = origins.note(origin).label
        Counter(label: Name.requests, dimensions: [("origin", label), ("status", status)], factory: factory).increment()
        return label
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
