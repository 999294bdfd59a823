#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Synchronization

/// Kills the children of this process when it ends, in whatever way: a shell that reads from a pipe whose other end only this process holds.
///
/// Without it a test run that is killed would leave servers behind, which nothing ends.
final class ProcessGuard: Sendable {
    private static let one = Mutex<ProcessGuard?>(nil)

    private static let script = """
        trap '' HUP INT TERM
        ids=
        while read -r change id; do
            kept=
            for known in $ids; do [ "$known" = "$id" ] || kept="$kept $known"; done
            ids=$kept
            [ "$change" = - ] || ids="$ids $id"
        done
        [ -z "$ids" ] || kill -KILL $ids
        """

    private let descriptor: Int32

    /// Starts it with the first call. The caller sees to it that nobody starts a process meanwhile.
    static func shared() throws -> ProcessGuard {
        try one.withLock { one in
            if let one { return one }
            let guardian = try ProcessGuard()
            one = guardian
            return guardian
        }
    }

    /// The one there is, if anything was started yet.
    static var existing: ProcessGuard? { one.withLock { $0 } }

    private init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemCallFailure(call: "pipe", code: errno) }
        defer { close(ends[0]) }
        for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw SystemCallFailure(call: "fcntl", code: errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        for output in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0) }
        let words: [String] = ["sh", "-c", Self.script]
        var argv = words.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var id: pid_t = 0
        let code = posix_spawn(&id, "/bin/sh", &actions, nil, &argv, &environment)
        guard code == 0 else {
            close(ends[1])
            throw SystemCallFailure(call: "posix_spawn /bin/sh", code: code)
        }
        descriptor = ends[1]
    }

    func watch(_ id: pid_t) { write("+ \(id)\n") }
    /// Once a process is reaped its number may become another's.
    func forget(_ id: pid_t) { write("- \(id)\n") }

    /// Lines this short are written whole (POSIX `write`, "PIPE_BUF").
    private func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            #if canImport(Glibc)
                _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            #elseif canImport(Musl)
                _ = Musl.write(descriptor, bytes.baseAddress, bytes.count)
            #else
                _ = Darwin.write(descriptor, bytes.baseAddress, bytes.count)
            #endif
        }
    }
}
