import MirrorServer
import Testing

@testable import MirrorNode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The dashboard and the rules")
struct MonitoringTests {
    private static func checkedIn(_ name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return String(decoding: try Data(contentsOf: URL(filePath: "\(root)/deploy/monitoring/\(name)")), as: UTF8.self)
    }

    @Test("The files in deploy/monitoring are what the code says; `make docs` writes them")
    func files() throws {
        #expect(try Self.checkedIn("alert-rules.yaml") == AlertRules.yaml)
        #expect(try Self.checkedIn("recording-rules.yaml") == RecordingRules.yaml)
        #expect(try Self.checkedIn("grafana-dashboard.json") == GrafanaDashboard.json)
    }

    private static let expressions =
        AlertRules.all.map(\.expression) + RecordingRules.all.map(\.expression) + [DashboardRows.jobs, DashboardRows.pools]
        + DashboardRows.all.flatMap(\.panels).flatMap(\.queries).map(\.expression)

    /// Words that begin as our metrics do, each with what stands in braces behind it.
    private static func metrics(in expression: String) -> [(name: String, labels: [String])] {
        expression.matches(of: /((?:cloud_mirror|process)_[a-z_]+)(?![a-z_:])(?:\{([^}]*)\})?/).map { match in
            let labels = match.2?.matches(of: /([a-z]+)(=~|!~|!=|=)"/).map { String($0.1) } ?? []
            return (String(match.1), labels)
        }
    }

    @Test("Every metric and label in an expression is in the catalogue", arguments: expressions)
    func known(_ expression: String) throws {
        let metrics = Self.metrics(in: expression)
        let recorded = expression.matches(of: /cloud_mirror:[a-z_:0-9]+/).map { String($0.0) }
        #expect(!metrics.isEmpty || !recorded.isEmpty || expression.contains("up{"))
        for name in recorded { #expect(RecordingRules.all.contains { $0.name == name }, "\(name)") }
        var allowed: Set<String> = ["job", "instance", "le"]
        for metric in metrics {
            let base = ["_bucket", "_count", "_sum"].first { metric.name.hasSuffix($0) }.map { String(metric.name.dropLast($0.count)) }
            let entry = try #require(MetricCatalog.all.first { $0.name == metric.name || $0.name == base }, "\(metric.name)")
            // Of a histogram there are only these, and of anything else none of them.
            #expect((entry.kind == "histogram") == (entry.name != metric.name))
            let labels = Set(entry.labels.split(separator: ", ").map(String.init))
            for label in metric.labels { #expect(labels.union(["job"]).contains(label), "\(metric.name) has no label \(label)") }
            allowed.formUnion(labels)
        }
        // What a recording rule leaves.
        if !recorded.isEmpty { allowed.formUnion(["pool", "outcome"]) }
        for group in expression.matches(of: /(?:by|on) \(([a-z, ]+)\)/) {
            for label in group.1.split(separator: ", ") { #expect(allowed.contains(String(label)), "\(label) in \(expression)") }
        }
        for group in expression.matches(of: /rate\(([a-z_]+)|increase\(([a-z_]+)/) {
            let name = String(group.1 ?? group.2 ?? "")
            #expect(name.hasSuffix("_total") || name.hasSuffix("_bucket"), "\(name) is not a counter")
        }
    }

    @Test("A label in the summary of an alert, or in a legend, is one that the expression leaves")
    func summaries() {
        for rule in AlertRules.all {
            for label in rule.summary.matches(of: /\$labels\.([a-z]+)/) {
                let kept = rule.expression.matches(of: /by \(([a-z, ]+)\)/).flatMap { $0.1.split(separator: ", ") }.map(String.init)
                #expect(kept.isEmpty || kept.contains(String(label.1)), "\(rule.name): \(label.1)")
            }
        }
        for query in DashboardRows.all.flatMap(\.panels).flatMap(\.queries) {
            let kept = query.expression.matches(of: /by \(([a-z, ]+)\)/).flatMap { $0.1.split(separator: ", ") }.map(String.init)
            for label in query.legend.matches(of: /\{\{([a-z]+)\}\}/) {
                #expect((kept + ["job", "pool"]).contains(String(label.1)), "\(query.legend)")
            }
        }
    }

    @Test("The legend of a percentile says which one it is")
    func percentiles() throws {
        var found = 0
        for query in DashboardRows.all.flatMap(\.panels).flatMap(\.queries) {
            guard let share = query.expression.firstMatch(of: /histogram_quantile\((0\.[0-9]+)/)?.1,
                let percent = query.legend.firstMatch(of: /p([0-9]+)$/)?.1
            else { continue }
            let hundredths = (try #require(Double(share)) * 100).rounded()
            #expect(Double(percent) == hundredths, "\(query.legend): \(query.expression)")
            found += 1
        }
        #expect(found == 6)
    }

    @Test("Names of alerts are words of their own, and there are not too many panels for a person")
    func shape() {
        #expect(Set(AlertRules.all.map(\.name)).count == AlertRules.all.count)
        #expect(DashboardRows.all.count == 5)
        #expect(DashboardRows.all.flatMap(\.panels).count <= 20)
        // Four in a row is what there is room for.
        for row in DashboardRows.all { #expect((1...4).contains(row.panels.count), "\(row.title)") }
    }
}
