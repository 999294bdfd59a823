import MirrorEngine

/// Sums that several alerts and panels use, as recording rules for Prometheus: `deploy/monitoring/recording-rules.yaml`.
package enum RecordingRules {
    static let redirects = "cloud_mirror:redirects:rate5m"
    static let fallbackRatio = "cloud_mirror:fallbacks:ratio_rate5m"
    static let copiedBytes = "cloud_mirror:copied_bytes:rate5m"
    static let hitBytesRatio = "cloud_mirror:hit_bytes:ratio_rate1h"
    static let answerSeconds = "cloud_mirror:redirect_duration_seconds:p99_5m"

    static let all: [(name: String, expression: String)] = [
        (redirects, "sum by (job, pool, outcome) (rate(\(EngineMetrics.Name.redirects)[5m]))"),
        (fallbackRatio, "sum by (job) (\(redirects){outcome=\"fallback\"}) / (sum by (job) (\(redirects)) > 0)"),
        (
            copiedBytes,
            "sum by (job, pool) (rate(\(EngineMetrics.Name.copyBytes)[5m])) + sum by (job, pool) (rate(\(EngineMetrics.Name.serverSideCopyBytes)[5m]))"
        ),
        (
            hitBytesRatio,
            "sum by (job) (rate(\(EngineMetrics.Name.egressAvoided)[1h])) / (sum by (job) (rate(\(EngineMetrics.Name.egressAvoided)[1h])) + sum by (job) (rate(\(EngineMetrics.Name.copyBytes)[1h])) + sum by (job) (rate(\(EngineMetrics.Name.serverSideCopyBytes)[1h])) > 0)"
        ),
        // Only answers that do not wait: requests that wait for a copy have their own metric.
        (
            answerSeconds,
            "histogram_quantile(0.99, sum by (job, le) (rate(\(EngineMetrics.Name.redirectSeconds)_bucket{outcome=~\"hit|backfill|refused\"}[5m])))"
        ),
    ]

    package static var yaml: String {
        let rules = all.map { "      - record: \($0.name)\n        expr: \($0.expression)\n" }
        return "\(MonitoringText.note)groups:\n  - name: cloud-mirror-recording\n    rules:\n\(rules.joined())"
    }
}

/// What the generated files for monitoring have in common.
enum MonitoringText {
    static let note = "# Generated from the list of metrics by `make docs`; do not edit it.\n"
}
