import CLibrary
import CProcess
/// A signal (signal(7)).
package struct ProcessSignal: Sendable {
    private let number: CInt

    package static let hangUp = ProcessSignal(number: SIGHUP)
    package static let terminate = ProcessSignal(number: SIGTERM)
    /// A write to a pipe or connection without a reader.
    package static let brokenPipe = ProcessSignal(number: SIGPIPE)
    /// A file has reached its size limit.
    package static let fileSizeLimit = ProcessSignal(number: SIGXFSZ)
    package static let user1 = ProcessSignal(number: SIGUSR1)
    package static let user2 = ProcessSignal(number: SIGUSR2)

    /// Ignores the signal from now on.
    package func ignore() {
        c_process_ignore(number)
    }

    /// Sends it to this process.
    package func send() {
        kill(getpid(), number)
    }

    /// Whether hang-ups are ignored, as by `nohup`.
    package static var isHangUpIgnored: Bool { c_process_ignores_hangup() }
}
