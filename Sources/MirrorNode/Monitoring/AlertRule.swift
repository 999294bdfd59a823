/// Something that needs an operator's attention, as an alerting rule for Prometheus.
struct AlertRule: Sendable {
    enum Severity: String, Sendable {
        /// Now.
        case critical
        /// Today.
        case warning
        /// When there is time.
        case info
    }

    /// Also the heading of its section in docs/runbook.md.
    let name: String
    let severity: Severity
    /// How long the expression must hold, such as `5m`.
    let holds: String
    /// One sentence; `{{ $labels.pool }}` stands for a label of the sample.
    let summary: String
    let expression: String

    init(_ name: String, _ severity: Severity, for holds: String, _ summary: String, _ expression: String) {
        self.name = name
        self.severity = severity
        self.holds = holds
        self.summary = summary
        self.expression = expression
    }

    var yaml: String {
        """
              - alert: \(name)
                expr: |-
                  \(expression.split(separator: "\n").joined(separator: "\n            "))
                for: \(holds)
                labels:
                  severity: \(severity.rawValue)
                annotations:
                  summary: "\(summary)"
                  runbook: "docs/runbook.md#\(name.lowercased())"

        """
    }
}
