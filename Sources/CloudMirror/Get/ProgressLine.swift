import MirrorCore

/// One line that shows how far a download has got.
enum ProgressLine {
    /// - Parameters:
    ///   - received: Bytes downloaded so far.
    ///   - total: `nil` if unknown.
    ///   - rate: Bytes per second.
    ///   - width: Columns; the line is shorter.
    static func text(name: String, received: Int64, total: Int64?, rate: Double, width: Int) -> String {
        let speed = rate >= 1 && rate < 1e15 ? "\(HumanText.bytes(Int64(rate)))/s" : "-"
        guard let total, total > 0 else { return fit("\(name)  \(HumanText.bytes(received))  \(speed)", width) }
        let share = min(max(Double(received) / Double(total), 0), 1)
        let left = rate >= 1 ? HumanText.seconds(Int64(min(Double(max(total - received, 0)) / rate, 1e9))) : "-"
        let numbers = "\(Int(share * 100))%  \(HumanText.bytes(received)) of \(HumanText.bytes(total))  \(speed)  \(left)"
        let room = width - 1 - numbers.count - 4
        guard room >= 18 else { return fit(numbers, width) }
        let nameWidth = min(name.count, room / 2)
        let shortName = name.count > nameWidth ? name.prefix(nameWidth - 1) + "…" : name[...]
        let barWidth = min(room - nameWidth - 2, 40)
        let filled = Int(share * Double(barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
        return "\(shortName)  [\(bar)]  \(numbers)"
    }

    private static func fit(_ text: String, _ width: Int) -> String { String(text.prefix(max(width - 1, 0))) }
}
