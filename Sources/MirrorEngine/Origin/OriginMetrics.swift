package import CoreMetrics
import MirrorCore
import MirrorNet

/// Counts what was asked of origins, by origin and answer.
package final class OriginMetrics: Sendable {
    package enum Name {
        package static let requests = "cloud_mirror_origin_requests_total"
    }

    private let factory: any MetricsFactory
    private let origins = BoundedLabels()

    package init(factory: any MetricsFactory) {
        self.factory = factory
    }

    /// Counts a request when its answer has begun, or when it has failed. A request that was given up does not count.
    ///
    /// - Parameter origin: A name from the configuration: clients can make up hosts.
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

    /// Six words, whatever number an origin answers with. 429 says more than the other 4xx: ask less often.
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
    /// What metrics call the origins that the rule allows: the rule, as the configuration has it.
    var label: String {
        switch self {
        case .anyPublic: "any"
        case .prefix(let url, _): url.description
        case .pattern(let pattern, _): pattern
        }
    }
}
