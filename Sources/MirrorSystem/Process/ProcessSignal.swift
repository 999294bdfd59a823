import CLibrary
import CProcess
/// A signal (signal(7)).
package struct ProcessSignal: Sendable {
    private let number: CInt

    package static let hangUp = ProcessSignal(number: SIGHUP)
    package static let terminate = ProcessSignal(number: SIGTERM)
    /// A pipe or connection that nobody reads any more.
    package static let brokenPipe = ProcessSignal(number: SIGPIPE)
    /// A file that may not grow.
    package static let fileSizeLimit = ProcessSignal(number: SIGXFSZ)
    package static let user1 = ProcessSignal(number: SIGUSR1)
    package static let user2 = ProcessSignal(number: SIGUSR2)

    /// From now on nothing comes of it.
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
