import MirrorCore

/// Reports that the mirror has not answered yet because it is copying: in a status line on a terminal, as one message otherwise.
struct WaitNotice {
    /// Shorter waits are not reported.
    private static let patience = Duration.seconds(2)

    let isQuiet: Bool

    /// Runs until it is cancelled.
    func run() async {
        guard !isQuiet else { return }
        let start = ContinuousClock.now
        guard await sleep(until: start + Self.patience) else { return }
        guard StatusLine.isPossible else { return Terminal.note("the mirror is copying it; waiting") }
        var line = StatusLine()
        var seconds = Int64(Self.patience.components.seconds)
        repeat {
            line.draw(Self.text(seconds: seconds, width: Terminal.width))
            seconds += 1
        } while await sleep(until: start + .seconds(seconds))
        line.clear()
    }

    static func text(seconds: Int64, width: Int) -> String {
        let age = seconds < 60 ? "\(seconds) s" : HumanText.seconds(seconds)
        return String("the mirror is copying it (\(age))".prefix(max(width - 1, 0)))
    }

    /// - Returns: Whether to continue.
    private func sleep(until time: ContinuousClock.Instant) async -> Bool {
        (try? await Task.sleep(until: time, clock: .continuous)) != nil
    }
}
