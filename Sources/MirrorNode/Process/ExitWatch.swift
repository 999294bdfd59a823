import Dispatch
import Logging
import MirrorCore
import MirrorSystem
import Synchronization

/// Sees to it that the process ends in time once it was told to, whatever hangs.
///
/// Its clock begins when the process is told to stop. When the grace is over parts are cancelled, and left where they do not end. What is left then
/// has until most of a second later; after that the process ends as it is. That last step is done by a thread of its own, because those of Swift's
/// tasks may all be blocked.
package final class ExitWatch: Sendable {
    /// Of a process that did not end by itself: something still hung a second after the grace.
    package static let exitCode: CInt = 75

    /// What parts have to end in after they were cancelled.
    static let partLimit = Duration.milliseconds(400)
    /// From the end of the grace on, for all that is left to do.
    private static let closingLimit = Duration.milliseconds(600)
    private static let lastMoment = Duration.milliseconds(800)

    private struct State {
        /// Since when the process is to stop.
        var began: ContinuousClock.Instant?
        /// Parts that run, in the order of their start.
        var running: [String] = []
    }

    private let grace: Duration
    private let log: LogWriter
    private let logger: Logger
    private let thread = DispatchQueue(label: "cloud-mirror.exit")
    private let state = Mutex(State())
    private let signals = Mutex<[any DispatchSourceSignal]>([])
    private let last = Mutex<(any DispatchSourceTimer)?>(nil)

    init(grace: Duration, log: LogWriter, logger: Logger) {
        self.grace = grace
        self.log = log
        self.logger = logger
    }

    /// Begins with the signals that tell the process to stop, without waiting for a task to hear of them.
    func begin(with numbers: [CInt]) {
        for number in numbers {
            signals.withLock { signals in
                let source = DispatchSource.makeSignalSource(signal: number, queue: thread)
                source.setEventHandler { self.begin() }
                source.activate()
                signals.append(source)
            }
        }
    }

    /// The process is to stop. Does nothing the second time.
    func begin() {
        let isFirst = state.withLock { state in
            defer { state.began = state.began ?? .now }
            return state.began == nil
        }
        guard isFirst else { return }
        let nanoseconds = min((grace + Self.lastMoment).wholeMilliseconds, 1 << 40) * 1_000_000
        last.withLock { last in
            // A strict one: what Dispatch runs after a time may come a tenth of it later.
            let timer = DispatchSource.makeTimerSource(flags: .strict, queue: thread)
            timer.schedule(deadline: .now() + .nanoseconds(Int(nanoseconds)), leeway: .nanoseconds(0))
            timer.setEventHandler { self.end() }
            timer.activate()
            last = timer
        }
    }

    /// For what is left to do in order; never nothing.
    var timeLeft: Duration {
        let end = state.withLock { $0.began ?? .now } + grace + Self.closingLimit
        return max(ContinuousClock.now.duration(to: end), .milliseconds(50))
    }

    /// Runs a part of the process, and leaves it where it does not end after it was cancelled.
    func watch(_ name: String, _ part: @escaping @Sendable () async throws -> Void) async throws {
        state.withLock { $0.running.append(name) }
        do {
            _ = try await leaving(afterCancellation: Self.partLimit, by: SystemClock()) {
                defer { self.ended(name) }
                try await part()
            }
        } catch is CancellationError {
            // As it was told.
        }
    }

    private var running: [String] { state.withLock { $0.running } }

    private func ended(_ name: String) {
        state.withLock { state in
            if let index = state.running.firstIndex(of: name) { state.running.remove(at: index) }
        }
    }

    /// The last words of an orderly stop. Ends the process if something was left that could get in the way of that.
    func finish(isClosed: Bool) {
        let running = running
        if !isClosed || !running.isEmpty {
            logger.warning(
                "stopped; some parts did not end in time and were abandoned", metadata: ["parts": .array(running.map { "\($0)" })])
        } else {
            logger.notice("stopped")
        }
        log.flush(within: min(timeLeft, .seconds(1)))
        // What was left must not meet with what an orderly end takes down.
        if !isClosed || !running.isEmpty { CurrentProcess.exitAtOnce(0) }
    }

    private func end() {
        logger.critical(
            "did not stop in time; exiting anyway", metadata: ["parts": .array(running.map { "\($0)" }), "exit_code": "\(Self.exitCode)"])
        log.flush(within: .milliseconds(40))
        CurrentProcess.exitAtOnce(Self.exitCode)
    }
}
