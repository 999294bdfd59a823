#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import CProcess
import UnixSignals

/// SIGHUP, which asks for the configuration to be read again; and the other signals that must not end a service.
///
/// To be made before anything else, so that a signal during the start ends nothing, and is not lost.
package struct Hangups: Sendable {
    let signals: UnixSignalsSequence
    /// Whether it was started at a terminal, and not by `nohup`.
    private let isAtTerminal: Bool

    package init() async {
        isAtTerminal = c_process_has_terminal() && !c_process_ignores_hangup()
        // A pipe or connection that nobody reads any more, a file that may not grow: the write says so itself. The last two mean nothing here.
        for signal in [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2] { c_process_ignore(signal) }
        signals = await UnixSignalsSequence(trapping: .sighup)
    }

    /// Whether a signal means that the terminal is gone that it was started at.
    var isTerminalGone: Bool { isAtTerminal && !c_process_has_terminal() }

    /// Ends the process as SIGTERM does.
    func terminate() {
        kill(getpid(), SIGTERM)
    }

    /// From now on nothing comes of SIGHUP.
    func end() {
        c_process_ignore(SIGHUP)
    }
}
