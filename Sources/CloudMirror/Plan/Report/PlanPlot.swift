import MirrorCore
import Retention

/// A plan as a picture (SVG): a bar for each policy, showing its cost of storage, egress and requests.
struct PlanPlot {
    private struct Part: Sendable {
        let name: String
        let color: String
        let value: @Sendable (Ledger) -> Double
    }

    private static let parts = [
        Part(name: "egress", color: "#c2410c") { $0.egress }, Part(name: "storage", color: "#1d4ed8") { $0.storage },
        Part(name: "requests", color: "#6b7280") { $0.requests },
    ]
    private static let width = 860.0
    private static let left = 170.0
    private static let right = 110.0
    private static let top = 84.0
    private static let row = 34.0

    let title: String
    /// What the numbers are.
    private let unit: String
    let bars: [(name: String, ledger: Ledger)]

    init(_ result: PlanResult) {
        title = Self.title(result)
        unit = "dollars at list prices\(result.pricesAsOf.map { " of \($0.day)" } ?? "")"
        bars = result.policies.map { (Self.words($0.policy), $0.ledger) } + result.candidates.map { ($0.words, $0.ledger) }
    }

    private static func title(_ result: PlanResult) -> String {
        let days = result.days < 10 ? HumanText.tenths(result.days) : HumanText.fixed(result.days, 0)
        let shown = result.shownDays.map { ", shown as \(HumanText.tenths($0)) days" } ?? ""
        return "\(result.requests) requests of \(days) days\(shown)"
    }

    private static func words(_ policy: ReplayPolicy) -> String {
        switch policy {
        case .never: "no mirror"
        case .store: "keep for ever"
        case .dayFixed: "a day after the copy"
        case .day: "a day after use"
        case .breakEven: "T* after use"
        case .halfBreakEven: "T*/2 after use"
        case .hazard: "learned (cost)"
        case .clairvoyant: "best possible"
        }
    }

    var svg: String {
        let height = Self.top + Double(bars.count) * Self.row + 20
        let most = bars.map(\.ledger.total).max() ?? 0
        let scale = most > 0 ? (Self.width - Self.left - Self.right) / most : 0
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(height))\" font-family=\"sans-serif\" "
                + "font-size=\"13\" role=\"img\">",
            "<title>\(Markup.escape(title))</title>",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            "<text x=\"16\" y=\"30\" font-size=\"17\" font-weight=\"bold\">\(Markup.escape(title))</text>",
        ]
        var x = 16.0
        for part in Self.parts {
            lines.append("<rect x=\"\(Self.number(x))\" y=\"48\" width=\"12\" height=\"12\" fill=\"\(part.color)\"/>")
            lines.append("<text x=\"\(Self.number(x + 18))\" y=\"59\">\(part.name)</text>")
            x += 100
        }
        lines += legend(x)
        lines.append("<text x=\"\(Self.number(Self.width - 16))\" y=\"59\" text-anchor=\"end\">\(unit)</text>")
        for (index, bar) in bars.enumerated() { lines += rows(bar.name, bar.ledger, y: Self.top + Double(index) * Self.row, scale) }
        lines += line(y: height, scale)
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    private func rows(_ name: String, _ ledger: Ledger, y: Double, _ scale: Double) -> [String] {
        let middle = Self.number(y + 16)
        var lines = ["<text x=\"\(Self.number(Self.left - 10))\" y=\"\(middle)\" text-anchor=\"end\">\(Markup.escape(name))</text>"]
        var x = Self.left
        for part in Self.parts {
            let width = part.value(ledger) * scale
            guard width > 0.05 else { continue }
            lines.append(
                "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" height=\"22\" fill=\"\(part.color)\"/>"
            )
            x += width
        }
        lines.append("<text x=\"\(Self.number(x + 8))\" y=\"\(middle)\">\(HumanText.dollars(ledger.total)) $</text>")
        return lines
    }

    /// The lowest possible cost, if it was computed.
    private var best: Double? {
        bars.first { $0.name == Self.words(.clairvoyant) }.flatMap { $0.ledger.total > 0 ? $0.ledger.total : nil }
    }

    /// Marks the lowest possible cost, to compare all others with.
    private func line(y: Double, _ scale: Double) -> [String] {
        best.map { [Self.dashes(Self.left + $0 * scale, Self.top - 8, y - 12)] } ?? []
    }

    /// Says what the marked cost is.
    private func legend(_ x: Double) -> [String] {
        guard best != nil else { return [] }
        return [Self.dashes(x + 6, 46, 62), "<text x=\"\(Self.number(x + 18))\" y=\"59\">\(Self.words(.clairvoyant))</text>"]
    }

    private static func dashes(_ x: Double, _ top: Double, _ bottom: Double) -> String {
        "<line x1=\"\(number(x))\" y1=\"\(number(top))\" x2=\"\(number(x))\" y2=\"\(number(bottom))\" stroke=\"#111827\" "
            + "stroke-dasharray=\"4 3\"/>"
    }

    private static func number(_ value: Double) -> String { HumanText.fixed(value, 1) }
}
