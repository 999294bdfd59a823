import Dispatch
import Logging
import MirrorCore
import MirrorSystem
import Synchronization

/// Makes sure that a process that was told to stop ends in time, even if something hangs.
///
/// The clock starts when the process is told to stop. When the grace period ends, parts are cancelled; those that still do not end are abandoned. The
/// rest of the shutdown has less than a second more. After that, the process exits as it is. A dedicated thread does this last step, because
/// all threads that run Swift tasks may be blocked.
package final class ExitWatch: Sendable {
    /// The exit code of a process that had to be ended: something still hung almost a second after the grace period.
    package static let exitCode: CInt = 75

    /// How long parts have to end after they are cancelled.
    static let partLimit = Duration.milliseconds(400)
    /// For the rest of the shutdown, counted from the end of the grace period.
    private static let closingLimit = Duration.milliseconds(600)
    private static let lastMoment = Duration.milliseconds(800)

    private struct State {
        /// When the process was told to stop.
        var began: ContinuousClock.Instant?
        /// Running parts, in the order of their start.
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

    /// Starts the clock on these signals, without depending on any task.
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

    /// Starts the clock. Does nothing the second time.
    func begin() {
        let isFirst = state.withLock { state in
            defer { state.began = state.began ?? .now }
            return state.began == nil
        }
        guard isFirst else { return }
        let nanoseconds = min((grace + Self.lastMoment).wholeMilliseconds, 1 << 40) * 1_000_000
        last.withLock { last in
            // Strict, because Dispatch may otherwise delay a timer by a tenth of its time.
            let timer = DispatchSource.makeTimerSource(flags: .strict, queue: thread)
            timer.schedule(deadline: .now() + .nanoseconds(Int(nanoseconds)), leeway: .nanoseconds(0))
            timer.setEventHandler { self.end() }
            timer.activate()
            last = timer
        }
    }

    /// For the orderly rest of the shutdown; never zero.
    var timeLeft: Duration {
        let end = state.withLock { $0.began ?? .now } + grace + Self.closingLimit
        return max(ContinuousClock.now.duration(to: end), .milliseconds(50))
    }

    /// Runs a part of the process, and abandons it if it does not end after it is cancelled.
    func watch(_ name: String, _ part: @escaping @Sendable () async throws -> Void) async throws {
        state.withLock { $0.running.append(name) }
        do {
            _ = try await leaving(afterCancellation: Self.partLimit, by: SystemClock()) {
                defer { self.ended(name) }
                try await part()
            }
        } catch is CancellationError {
            // The expected end of a cancelled part.
        }
    }

    private var running: [String] { state.withLock { $0.running } }

    private func ended(_ name: String) {
        state.withLock { state in
            if let index = state.running.firstIndex(of: name) { state.running.remove(at: index) }
        }
    }

    /// Logs the end of an orderly stop. Exits at once if something was abandoned that could disturb the normal exit.
    func finish(isClosed: Bool) {
        let running = running
        if !isClosed || !running.isEmpty {
            logger.warning(
                "stopped; some parts did not end in time and were abandoned", metadata: ["parts": .array(running.map { "\($0)" })])
        } else {
            logger.notice("stopped")
        }
        log.flush(within: min(timeLeft, .seconds(1)))
        // Abandoned parts must not use what a normal exit tears down.
        if !isClosed || !running.isEmpty { CurrentProcess.exitAtOnce(0) }
    }

    private func end() {
        logger.critical(
            "did not stop in time; exiting anyway", metadata: ["parts": .array(running.map { "\($0)" }), "exit_code": "\(Self.exitCode)"])
        log.flush(within: .milliseconds(40))
        CurrentProcess.exitAtOnce(Self.exitCode)
    }
}
