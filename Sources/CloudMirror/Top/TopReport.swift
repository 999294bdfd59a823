import MirrorCore

/// The lines of `top`: columns of equal width, with their names repeated every twenty lines.
struct TopReport {
    private static let names = ["HIT/S", "WAIT/S", "FALLBACK/S", "OTHER/S", "WAITING", "RUNNING", "QUEUED", "COPIED/S", "AVOIDED/S"]
    private static let width = 11

    private var printed = 0

    /// - Parameter from: The counts at the beginning of the interval. If the mirror has restarted since, they are taken as zero.
    mutating func lines(from: StatsCall.Answer, to: StatsCall.Answer, in duration: Duration) -> String {
        defer { printed += 1 }
        let seconds = max(duration.inSeconds, 0.001)
        let isSame = to.uptimeSeconds >= from.uptimeSeconds
        func rate(_ count: (StatsCall.Answer) -> Int64) -> Double {
            max(0, Double(count(to)) - (isSame ? Double(count(from)) : 0)) / seconds
        }
        func outcomes(_ names: String...) -> Double { rate { answer in names.reduce(0) { $0 &+ (answer.redirects[$1] ?? 0) } } }
        let known = outcomes("hit") + outcomes("wait") + outcomes("fallback")
        let all = rate { $0.redirects.values.reduce(0, &+) }
        let cells = [
            HumanText.tenths(outcomes("hit")), HumanText.tenths(outcomes("wait")), HumanText.tenths(outcomes("fallback")),
            HumanText.tenths(max(0, all - known)), "\(to.waiting)", "\(to.origins.reduce(0) { $0 &+ $1.running })",
            "\(to.origins.reduce(0) { $0 &+ $1.queued })", bytes(rate(\.copiedBytes)), bytes(rate(\.egressAvoidedBytes)),
        ]
        return (printed.isMultiple(of: 20) ? Self.line(Self.names) : "") + Self.line(cells)
    }

    private func bytes(_ rate: Double) -> String { HumanText.bytes(Int64(exactly: rate.rounded()) ?? .max) }

    private static func line(_ cells: [String]) -> String {
        cells.map { String(repeating: " ", count: max(1, width - $0.count)) + $0 }.joined() + "\n"
    }
}
