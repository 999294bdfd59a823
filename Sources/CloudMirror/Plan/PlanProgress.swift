import MirrorCore

/// Reports on standard error how far a plan has got.
struct PlanProgress {
    /// Uses between two checks of the clock.
    private static let interval = 1 << 16
    private static let pause = Duration.milliseconds(500)

    private let size: Int64
    private let clock = ContinuousClock()

    private final class Shown {
        var uses = 0
        var time: ContinuousClock.Instant?
    }

    private let shown = Shown()

    /// - Parameter size: Bytes of all files.
    init(_ size: Int64) {
        self.size = size
    }

    func show(_ what: String, _ merge: LogMerge) {
        shown.uses += 1
        guard shown.uses % Self.interval == 0 else { return }
        let now = clock.now
        if let last = shown.time, now - last < Self.pause { return }
        shown.time = now
        let percent = size > 0 ? min(100, merge.position * 100 / size) : 100
        Terminal.writeToStandardError("\r\(what): \(percent) % of \(HumanText.bytes(size)), \(shown.uses) uses ")
    }

    func clear() {
        if shown.time != nil { Terminal.writeToStandardError("\r" + String(repeating: " ", count: min(79, Terminal.width - 1)) + "\r") }
    }
}
