import Foundation
import Synchronization

/// A program that a test runs, with what it writes in files of the test's directory.
///
/// It ends with the test's process at the latest: a shell beside it looks every second whether that is still there. Started by the system call,
/// because Foundation passes the blocked signals of its thread on.
final class TestProgram: Sendable {
    /// The program's own exit status is the shell's, which passes SIGTERM on. A wait that the signal ends is begun again.
    private static let script = """
        parent=$1
        shift
        "$@" &
        child=$!
        trap 'kill -TERM $child 2>/dev/null' TERM
        (while kill -0 $parent 2>/dev/null; do sleep 1; done; kill -TERM $child) >/dev/null 2>&1 &
        watcher=$!
        wait $child
        status=$?
        while kill -0 $child 2>/dev/null; do
            wait $child
            status=$?
        done
        kill $watcher 2>/dev/null
        exit $status
        """

    struct NotStarted: Error {
        let reason: String
    }

    private let process: pid_t
    private let directory: TestDirectory
    private let name: String
    /// The exit status, once it is known.
    private let ended = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - name: What its files are called: `<name>.out` and `<name>.err`.
    ///   - environment: Beside that of this process, less everything that begins with `CLOUD_MIRROR_`.
    init(
        _ name: String, _ executable: String, _ arguments: [String], environment: [String: String] = [:], in directory: TestDirectory
    ) throws {
        self.name = name
        self.directory = directory
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CLOUD_MIRROR_") }
        process = try Self.start(
            ["/bin/sh", "-c", Self.script, "sh", "\(getpid())", executable] + arguments,
            environment: inherited.merging(environment) { _, new in new },
            output: try directory.write("", to: "\(name).out"), errors: try directory.write("", to: "\(name).err"))
    }

    private static func start(
        _ words: [String], environment: [String: String], output: String, errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_APPEND, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_APPEND, 0)
        // Threads of the test block signals, which a shell that waits for its child needs.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = words.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var process = pid_t()
        let problem = posix_spawn(&process, words[0], &actions, &attributes, &arguments, &variables)
        guard problem == 0 else { throw NotStarted(reason: String(cString: strerror(problem))) }
        return process
    }

    var isRunning: Bool { status == nil }
    var output: String { directory.text("\(name).out") }
    var errors: String { directory.text("\(name).err") }

    /// The exit status as a shell has it; `nil` while it runs.
    private var status: Int32? {
        ended.withLock { ended in
            var status: Int32 = 0
            if ended == nil, waitpid(process, &status, WNOHANG) == process {
                let signal = status & 0x7F
                ended = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            }
            return ended
        }
    }

    /// Waits until it ends by itself.
    ///
    /// - Returns: Its exit status.
    func exit() async throws -> Int32 {
        try await eventually("\(name) ends") { self.status }
    }

    /// Ends it, and waits for that.
    @discardableResult
    func end() async throws -> Int32 {
        if isRunning { kill(process, SIGTERM) }
        return try await exit()
    }
}
