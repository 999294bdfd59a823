package import CoreMetrics
import MirrorCore
import MirrorNet

/// Counts requests to origins, by origin and answer.
package final class OriginMetrics: Sendable {
    package enum Name {
        package static let requests = "cloud_mirror_origin_requests_total"
    }

    private let factory: any MetricsFactory
    private let origins = BoundedLabels()

    package init(factory: any MetricsFactory) {
        self.factory = factory
    }

    /// Counts a request when its answer has begun, or when it has failed. Cancelled requests do not count.
    ///
    /// - Parameter origin: A name from the configuration, because clients can make up hosts.
    func counting<Answer>(
        _ origin: String, status: (Answer) -> Int, isolation: isolated (any Actor)? = #isolation, _ ask: () async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await ask()
            count(origin, Self.word(status(answer)))
            return answer
        } catch let error as CancellationError {
            throw error
        } catch {
            count(origin, "none")
            throw error
        }
    }

    private func count(_ origin: String, _ status: String) {
        let labels = [("origin", origins.note(origin).label), ("status", status)]
        Counter(label: Name.requests, dimensions: labels, factory: factory).increment()
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

extension EgressPolicy.AllowRule {
    /// The label in metrics for origins that the rule allows: the rule as written in the configuration.
    var label: String {
        switch self {
        case .anyPublic: "any"
        case .prefix(let url, _): url.description
        case .pattern(let pattern, _): pattern
        }
    }
}
