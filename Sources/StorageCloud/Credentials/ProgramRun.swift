import CLibrary
import MirrorCore
import MirrorSystem

/// A running program in its own process group. Everything here blocks.
struct ProgramRun {
    private let process: pid_t
    /// Its standard output; reading from it does not wait.
    private let reader: CInt

    /// While there is no output, how often to check whether the program has ended or must be stopped, in milliseconds.
    private static let interval: CInt = 50

    /// How often to retry a program file that is open for writing, and the pause in milliseconds.
    private static let maxBusy = 50
    private static let busyPause: CInt = 20

    /// Starts the program. ``output(within:limit:isCancelled:)`` must be called afterwards.
    init(_ path: String, arguments: [String], environment: [String: String]) throws(CredentialsError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure(errno) }
        defer { close(ends[1]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        do {
            process = try Self.spawn(path, arguments, environment.map { "\($0.key)=\($0.value)" }, output: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        reader = ends[0]
    }

    /// Reads until the program ends.
    ///
    /// - Throws: `.unavailable` if it takes longer than `timeout` or fails, `.invalid` if it writes more than `limit` bytes,
    ///   `CancellationError`. In all these cases the program has been stopped.
    func output(within timeout: Duration, limit: Int, isCancelled: () -> Bool) throws -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        var bytes: [UInt8] = []
        var isOpen = true
        var ending: CInt?
        defer {
            if ending == nil { stop() }
            close(reader)
        }
        while ending == nil {
            if isCancelled() { throw CancellationError() }
            guard ContinuousClock.now < deadline else {
                throw CredentialsError(.unavailable, "the program has not ended within \(timeout.inSeconds) s")
            }
            waitForOutput(isOpen)
            // Checked before the output is read, so that all output from before its end is read. Processes that it started may still run.
            ending = ended()
            isOpen = read(into: &bytes)
            guard bytes.count <= limit else { throw CredentialsError(.invalid, "the program writes more than \(limit) bytes") }
        }
        // wait(2): the low bits are the signal, the next ones the exit status.
        switch (ending ?? 0) {
        case 0: return bytes
        case let status where status & 0x7F == 0:
            throw CredentialsError(
                .unavailable, "the program fails with status \(status >> 8 & 0xFF); run it by hand to see what it says")
        case let status: throw CredentialsError(.unavailable, "the program was ended by signal \(status & 0x7F)")
        }
    }

    private func waitForOutput(_ isOpen: Bool) {
        guard isOpen else {
            // The program has closed its output and is about to end.
            _ = poll(nil, 0, 2)
            return
        }
        var descriptor = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, Self.interval)
    }

    /// Reads the available output.
    ///
    /// - Returns: Whether there may be more.
    private func read(into bytes: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(reader, $0) }
            guard count > 0 else { return count < 0 && [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) }
            bytes.append(contentsOf: chunk[..<count])
            // The caller checks the limit; a program that never pauses must not prevent that.
            if bytes.count >= 1 << 20 { return true }
        }
    }

    /// - Returns: Its status when it has ended; `nil` while it runs.
    private func ended() -> CInt? {
        var status: CInt = 0
        return waitpid(process, &status, WNOHANG) == process ? status : nil
    }

    /// Kills the program, and the processes that it started in its group.
    private func stop() {
        kill(-process, SIGKILL)
        var status: CInt = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
    }

    // MARK: Starting

    private static func failure(_ code: CInt) -> CredentialsError {
        CredentialsError(.unavailable, "the program cannot be started: \(String(cString: strerror(code)))")
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String], output: CInt
    ) throws(CredentialsError) -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        guard posix_spawn_file_actions_init(&actions) == 0 else { throw failure(ENOMEM) }
        defer { posix_spawn_file_actions_destroy(&actions) }
        guard posix_spawnattr_init(&attributes) == 0 else { throw failure(ENOMEM) }
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var flags = Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
        // The program must not inherit this process's connections, which SwiftNIO does not mark as closed on exec.
        #if canImport(Darwin)
            flags |= Int16(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
            systemCloseAll(from: 3, in: &actions)
        #endif
        // The program must not inherit this process's signal handling.
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, flags)

        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup($0) } + [nil]
        defer {
            for pointer in argumentPointers + environmentPointers { free(pointer) }
        }
        var process: pid_t = 0
        var code = posix_spawn(&process, path, &actions, &attributes, &argumentPointers, &environmentPointers)
        // A program file that is being replaced cannot run until its writer has closed it.
        for _ in 0..<maxBusy where code == ETXTBSY {
            _ = poll(nil, 0, busyPause)
            code = posix_spawn(&process, path, &actions, &attributes, &argumentPointers, &environmentPointers)
        }
        guard code == 0 else { throw failure(code) }
        return process
    }
}
