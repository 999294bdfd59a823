import MirrorSystem
import UnixSignals

/// SIGHUP, which asks for the configuration to be read again; and the other signals that must not end a service.
///
/// To be made before anything else, so that a signal during the start ends nothing, and is not lost.
package struct Hangups: Sendable {
    let signals: UnixSignalsSequence
    /// Whether it was started at a terminal, and not by `nohup`.
    private let isAtTerminal: Bool

    package init() async {
        isAtTerminal = CurrentProcess.hasTerminal && !ProcessSignal.isHangUpIgnored
        // A pipe or connection that nobody reads any more, a file that may not grow: the write says so itself. The last two mean nothing here.
        for signal in [ProcessSignal.brokenPipe, .fileSizeLimit, .user1, .user2] { signal.ignore() }
        signals = await UnixSignalsSequence(trapping: .sighup)
    }

    /// Whether a signal means that the terminal that it was started at is gone.
    var isTerminalGone: Bool { isAtTerminal && !CurrentProcess.hasTerminal }

    /// Ends the process as SIGTERM does.
    func terminate() {
        ProcessSignal.terminate.send()
    }

    /// From now on nothing comes of SIGHUP.
    func end() {
        ProcessSignal.hangUp.ignore()
    }
}
