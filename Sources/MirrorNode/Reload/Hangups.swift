import MirrorSystem
import UnixSignals

/// Handles SIGHUP, which asks for a reload of the configuration, and the other signals that must not end a service.
///
/// Create it before anything else, so that a signal during startup neither ends the process nor is lost.
package struct Hangups: Sendable {
    let signals: UnixSignalsSequence
    /// Whether the process was started at a terminal and not by `nohup`.
    private let isAtTerminal: Bool

    package init() async {
        isAtTerminal = CurrentProcess.hasTerminal && !ProcessSignal.isHangUpIgnored
        // First, because it is the one that is sent on purpose.
        signals = await UnixSignalsSequence(trapping: .sighup)
        // Writing to a closed pipe or connection, or to a file at its size limit, returns an error anyway. The last two have no meaning here.
        for signal in [ProcessSignal.brokenPipe, .fileSizeLimit, .user1, .user2] { signal.ignore() }
    }

    /// Whether a signal means that the terminal where the process was started is gone.
    var isTerminalGone: Bool { isAtTerminal && !CurrentProcess.hasTerminal }

    /// Ends the process in the same way as SIGTERM.
    func terminate() {
        ProcessSignal.terminate.send()
    }

    /// From now on, SIGHUP is ignored.
    func end() {
        ProcessSignal.hangUp.ignore()
    }
}
