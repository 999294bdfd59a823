import MirrorCore

/// One panel of the dashboard.
struct Panel: Sendable {
    enum Kind: Sendable {
        case lines, stacked
        /// One number.
        case number
    }

    /// A query and the text of its legend, in which `{{pool}}` stands for a label's value.
    struct Query: Sendable {
        let expression: String
        let legend: String

        init(_ expression: String, _ legend: String) {
            self.expression = expression
            self.legend = legend
        }
    }

    let title: String
    /// What a reader should conclude from it.
    let description: String
    /// Grafana's name of the unit: `bytes`, `s`, `reqps`.
    let unit: String
    let kind: Kind
    let queries: [Query]

    init(_ title: String, _ description: String, unit: String, as kind: Kind = .lines, _ queries: [Query]) {
        self.title = title
        self.description = description
        self.unit = unit
        self.kind = kind
        self.queries = queries
    }

    /// - Parameter place: Left edge, top edge and width, in Grafana's grid of 24 columns.
    func json(id: Int64, at place: (x: Int64, y: Int64, width: Int64), height: Int64) -> JSONValue {
        let targets = queries.enumerated().map { number, query in
            JSONValue.object([
                "datasource": GrafanaDashboard.datasource, "expr": .string(query.expression), "legendFormat": .string(query.legend),
                "refId": .string(String(UnicodeScalar(UInt8(65 + number % 26)))), "range": .bool(kind != .number),
                "instant": .bool(kind == .number),
            ])
        }
        return .object([
            "id": .integer(id), "type": .string(kind == .number ? "stat" : "timeseries"), "title": .string(title),
            "description": .string(description), "datasource": GrafanaDashboard.datasource,
            "gridPos": .object(["x": .integer(place.x), "y": .integer(place.y), "w": .integer(place.width), "h": .integer(height)]),
            "targets": .array(targets), "options": options,
            "fieldConfig": .object(["defaults": .object(defaults), "overrides": .array([])]),
        ])
    }

    private var options: JSONValue {
        if kind == .number {
            return .object(["reduceOptions": .object(["calcs": .array([.string("lastNotNull")]), "values": .bool(false)])])
        }
        return .object([
            "legend": .object(["displayMode": .string("list"), "placement": .string("bottom"), "showLegend": .bool(true)]),
            "tooltip": .object(["mode": .string("multi"), "sort": .string("desc")]),
        ])
    }

    private var defaults: [String: JSONValue] {
        var defaults: [String: JSONValue] = ["unit": .string(unit), "min": .integer(0)]
        if kind != .number {
            defaults["custom"] = .object([
                "drawStyle": .string("line"), "fillOpacity": .integer(kind == .stacked ? 40 : 5), "showPoints": .string("never"),
                "stacking": .object(["mode": .string(kind == .stacked ? "normal" : "none"), "group": .string("A")]),
            ])
        }
        return defaults
    }
}
