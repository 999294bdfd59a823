/// Says that the mirror has not answered yet, because it copies: on a line of its own on a terminal, as one message elsewhere.
struct WaitNotice {
    /// Shorter waits are not worth a word.
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

    /// - Returns: Whether to go on.
    private func sleep(until time: ContinuousClock.Instant) async -> Bool {
        (try? await Task.sleep(until: time, clock: .continuous)) != nil
    }
}
