import MirrorCore

/// Draws a progress line on the terminal at standard error, up to ten times a second.
struct ProgressMeter {
    private static let interval = Duration.milliseconds(100)

    private let name: String
    private let isShown: Bool
    private let startedAt = ContinuousClock.now
    private var startBytes: Int64?
    private var drawnAt: ContinuousClock.Instant?
    private var line = StatusLine()

    init(name: String, isQuiet: Bool) {
        self.name = TextTable.printable(name)
        isShown = !isQuiet && StatusLine.isPossible
    }

    /// Seconds since the start.
    var elapsed: Double { (ContinuousClock.now - startedAt).inSeconds }

    mutating func update(received: Int64, total: Int64?) {
        let before = startBytes ?? received
        startBytes = before
        guard isShown else { return }
        let now = ContinuousClock.now
        if let drawnAt, now - drawnAt < Self.interval { return }
        drawnAt = now
        let rate = elapsed > 0.05 ? Double(max(received - before, 0)) / elapsed : 0
        line.draw(ProgressLine.text(name: name, received: received, total: total, rate: rate, width: Terminal.width))
    }

    /// Clears the line, so that a message can be written.
    mutating func clear() {
        drawnAt = nil
        line.clear()
    }
}
