/// Draws a progress line on the terminal at standard error, a few times a second.
struct ProgressMeter {
    private static let interval = Duration.milliseconds(100)
    private static let eraseLine = "\r\u{1B}[K"

    private let name: String
    private let isShown: Bool
    private let startedAt = ContinuousClock.now
    private var startBytes: Int64?
    private var drawnAt: ContinuousClock.Instant?

    init(name: String, isQuiet: Bool) {
        self.name = TextTable.printable(name)
        isShown = !isQuiet && Terminal.standardErrorIsTerminal
    }

    /// Seconds since the beginning.
    var elapsed: Double { Self.seconds(ContinuousClock.now - startedAt) }

    mutating func update(received: Int64, total: Int64?) {
        let before = startBytes ?? received
        startBytes = before
        guard isShown else { return }
        let now = ContinuousClock.now
        if let drawnAt, now - drawnAt < Self.interval { return }
        drawnAt = now
        let rate = elapsed > 0.05 ? Double(max(received - before, 0)) / elapsed : 0
        let line = ProgressLine.text(name: name, received: received, total: total, rate: rate, width: Terminal.width)
        Terminal.writeToStandardError(Self.eraseLine + line)
    }

    /// Takes the line away, so that a message can be written.
    mutating func clear() {
        guard isShown, drawnAt != nil else { return }
        drawnAt = nil
        Terminal.writeToStandardError(Self.eraseLine)
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
