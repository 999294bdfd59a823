#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import NIOCore
import NIOPosix
import Synchronization

/// A program that a test runs, and what it writes. A shell kills those that still run when this process ends, in whatever way.
final class ChildProcess: Sendable {
    /// Held until a child's pipe is one that no other child inherits.
    private static let starting = Mutex<Int32?>(nil)

    /// Reads from a pipe whose other end only this process holds.
    private static let guardian = """
        trap '' HUP INT TERM
        while read -r id; do ids="$ids $id"; done
        [ -z "$ids" ] || kill -KILL $ids
        """

    let lines: AsyncStream<String>
    private let id: pid_t
    private let output: EventLoopFuture<String>
    private let status = Mutex<Int32?>(nil)

    static func start(_ executable: String, _ arguments: [String]) async throws -> ChildProcess {
        let (id, descriptor) = try starting.withLock { guardian in
            var ends = try pipe()
            defer { close(ends.write) }
            do {
                if guardian == nil {
                    let input = try pipe()
                    defer { close(input.read) }
                    _ = try spawn("/bin/sh", ["-c", Self.guardian], input: input.read, output: nil)
                    guardian = input.write
                }
                let id = try spawn(executable, arguments, input: nil, output: ends.write)
                if let guardian {
                    let line = Array("\(id)\n".utf8)
                    _ = write(guardian, line, line.count)
                }
                return (id, ends.read)
            } catch {
                close(ends.read)
                ends.read = -1
                throw error
            }
        }
        let (lines, told) = AsyncStream.makeStream(of: String.self)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let output = loop.makePromise(of: String.self)
        _ = try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(input: descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(OutputReader(lines: told, output: output))
            }
        }
        return ChildProcess(id: id, lines: lines, output: output.futureResult)
    }

    private init(id: pid_t, lines: AsyncStream<String>, output: EventLoopFuture<String>) {
        self.id = id
        self.lines = lines
        self.output = output
    }

    /// Does nothing to a process that is known to have ended.
    func send(_ signal: Int32) {
        status.withLock { status in
            if status == nil { _ = kill(id, signal) }
        }
    }

    /// Waits for its end.
    ///
    /// - Returns: What it wrote, and whether it ended with exit code 0.
    @discardableResult
    func end() async throws -> (output: String, succeeded: Bool) {
        let text = try await output.get()
        // Its last descriptor is closed, so it is about to end: this does not block for longer than a moment.
        let ended = status.withLock { status in
            if let status { return status }
            var code: Int32 = 0
            while waitpid(id, &code, 0) == -1, errno == EINTR {}
            status = code
            return code
        }
        return (text, ended == 0)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Glibc)
            let code = Glibc.pipe(&ends)
        #elseif canImport(Musl)
            let code = Musl.pipe(&ends)
        #else
            let code = Darwin.pipe(&ends)
        #endif
        guard code == 0 else { throw Failure(call: "pipe", code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(_ executable: String, _ arguments: [String], input: Int32?, output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
            if let output {
                posix_spawn_file_actions_adddup2(&actions, output, descriptor)
            } else {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The child must not inherit the mask of the thread that happens to start it.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, executable, &actions, &attributes, &argv, environ)
        guard code == 0 else { throw Failure(call: "posix_spawn \(executable)", code: code) }
        return id
    }

    struct Failure: Error, CustomStringConvertible {
        let call: String
        let code: Int32

        var description: String { "\(call): \(String(cString: strerror(code)))" }
    }
}

private final class OutputReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let lines: AsyncStream<String>.Continuation
    private let output: EventLoopPromise<String>
    private var text = ""
    private var line = ""

    init(lines: AsyncStream<String>.Continuation, output: EventLoopPromise<String>) {
        self.lines = lines
        self.output = output
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = String(buffer: unwrapInboundIn(data))
        text += piece
        for character in piece {
            if character.isNewline {
                lines.yield(line)
                line = ""
            } else {
                line.append(character)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lines.finish()
        output.succeed(text)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
