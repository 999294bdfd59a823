import MirrorCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The dashboard for Grafana: `deploy/monitoring/grafana-dashboard.json`.
package enum GrafanaDashboard {
    static let datasource = JSONValue.object(["type": .string("prometheus"), "uid": .string("${datasource}")])

    /// In Grafana's grid units: four panels of six columns make a row.
    private static let height: Int64 = 8
    private static let width: Int64 = 6

    package static var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // No value in it can fail to encode.
        return String(decoding: (try? encoder.encode(document)) ?? Data(), as: UTF8.self) + "\n"
    }

    private static var document: JSONValue {
        .object([
            "uid": .string("cloud-mirror"), "title": .string("cloud-mirror"), "tags": .array([.string("cloud-mirror")]),
            "description": .string("Generated from the list of metrics by `make docs`."), "editable": .bool(true),
            "schemaVersion": .integer(39), "version": .integer(1), "refresh": .string("30s"), "timezone": .string("browser"),
            "time": .object(["from": .string("now-6h"), "to": .string("now")]), "graphTooltip": .integer(1),
            "annotations": .object(["list": .array([])]), "links": .array([]), "templating": .object(["list": .array(variables)]),
            "panels": .array(panels),
        ])
    }

    private static var panels: [JSONValue] {
        var panels: [JSONValue] = []
        var y: Int64 = 0
        for row in DashboardRows.all {
            panels.append(
                .object([
                    "id": .integer(Int64(panels.count) + 1), "type": .string("row"), "title": .string(row.title), "collapsed": .bool(false),
                    "gridPos": .object(["x": .integer(0), "y": .integer(y), "w": .integer(24), "h": .integer(1)]), "panels": .array([]),
                ]))
            y += 1
            for (column, panel) in row.panels.enumerated() {
                panels.append(panel.json(id: Int64(panels.count) + 1, at: (Int64(column) * width, y, width), height: height))
            }
            y += height
        }
        return panels
    }

    private static var variables: [JSONValue] {
        [
            .object([
                "name": .string("datasource"), "label": .string("Data source"), "type": .string("datasource"),
                "query": .string("prometheus"),
            ]),
            choice("job", "Job", of: DashboardRows.jobs), choice("pool", "Pool", of: DashboardRows.pools),
        ]
    }

    private static func choice(_ name: String, _ label: String, of query: String) -> JSONValue {
        .object([
            "name": .string(name), "label": .string(label), "type": .string("query"), "datasource": datasource, "query": .string(query),
            "refresh": .integer(2), "sort": .integer(1), "multi": .bool(true), "includeAll": .bool(true), "allValue": .string(".*"),
            "current": .object(["text": .array([.string("All")]), "value": .array([.string("$__all")])]),
        ])
    }
}
