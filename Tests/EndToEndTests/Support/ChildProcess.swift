#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A program that a test runs. Its standard output is read here; its standard error goes to a file, so that it survives whatever happens.
///
/// `posix_spawn` and not `Process`: the child must not inherit the signal mask of the thread that happens to start it, nor any descriptor.
final class ChildProcess: Sendable {
    enum Signal: Sendable {
        case terminate, kill
        /// Stops the process where it is, until it is told to go on.
        case suspend, resume

        fileprivate var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .kill: SIGKILL
            case .suspend: SIGSTOP
            case .resume: SIGCONT
            }
        }
    }

    enum Exit: Equatable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .code(let code): "exit code \(code)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    /// Held until a child's pipe is one that no other child inherits.
    private static let starting = Mutex(())

    let id: pid_t
    private let firstLine: EventLoopFuture<String>
    private let output: EventLoopFuture<String>
    private let exit = Mutex<Exit?>(nil)

    /// - Parameters:
    ///   - environment: Beside that of this process, less everything that begins with `CLOUD_MIRROR_`.
    ///   - errorFile: Where standard error is appended to.
    static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], errorFile: String
    ) async throws -> ChildProcess {
        let (id, descriptor) = try starting.withLock { _ in
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw SystemCallFailure(call: "pipe", code: errno) }
            defer { close(ends[1]) }
            do {
                for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 { throw SystemCallFailure(call: "fcntl", code: errno) }
                try keepDescriptorsHere()
                let guardian = try ProcessGuard.shared()
                let id = try spawn(executable, arguments, environment: environment, output: ends[1], errorFile: errorFile)
                guardian.watch(id)
                return (id, ends[0])
            } catch {
                close(ends[0])
                throw error
            }
        }
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let firstLine = loop.makePromise(of: String.self)
        let output = loop.makePromise(of: String.self)
        let process = ChildProcess(id: id, firstLine: firstLine.futureResult, output: output.futureResult)
        _ = try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(input: descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(OutputReader(firstLine: firstLine, output: output))
            }
        }
        return process
    }

    private init(id: pid_t, firstLine: EventLoopFuture<String>, output: EventLoopFuture<String>) {
        self.id = id
        self.firstLine = firstLine
        self.output = output
    }

    deinit {
        send(.kill)
        _ = reap()
    }

    /// Does nothing to a process that is known to have ended.
    func send(_ signal: Signal) {
        exit.withLock { exit in
            if exit == nil { _ = kill(id, signal.number) }
        }
    }

    /// The first line of standard output, without its end.
    ///
    /// - Throws: ``EndedEarly`` when the process ends without one. A cancelled test kills it.
    func line() async throws -> String {
        try await withTaskCancellationHandler {
            try await firstLine.get()
        } onCancel: {
            send(.kill)
        }
    }

    /// All of standard output, once the process has ended. A cancelled test kills it.
    func end() async throws -> (exit: Exit, output: String) {
        let text = try await withTaskCancellationHandler {
            try await output.get()
        } onCancel: {
            send(.kill)
        }
        // Its last descriptor is closed, so it is about to end: this does not block for longer than a moment.
        return (reap(), text)
    }

    private func reap() -> Exit {
        exit.withLock { exit in
            if let exit { return exit }
            var status: Int32 = 0
            while waitpid(id, &status, 0) == -1, errno == EINTR {}
            ProcessGuard.existing?.forget(id)
            let signal = status & 0x7F
            let ended = signal == 0 ? Exit.code((status >> 8) & 0xFF) : .signal(signal)
            exit = ended
            return ended
        }
    }

    /// Sockets of this process are inherited otherwise: what is closed here would stay open in a child.
    private static func keepDescriptorsHere() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/dev/fd") {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            // Fails for the one that the directory was read through.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], environment: [String: String], output: Int32, errorFile: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGPIPE] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CLOUD_MIRROR_") }
        variables.merge(environment) { _, new in new }
        var argv = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, executable, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw SystemCallFailure(call: "posix_spawn \(executable)", code: code) }
        return id
    }
}

struct SystemCallFailure: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// The process ended before it wrote a line.
struct EndedEarly: Error {}

/// Reads a pipe to its end.
private final class OutputReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let firstLine: EventLoopPromise<String>
    private let output: EventLoopPromise<String>
    private var text = ""

    init(firstLine: EventLoopPromise<String>, output: EventLoopPromise<String>) {
        self.firstLine = firstLine
        self.output = output
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        if let end = text.firstIndex(of: "\n") { firstLine.succeed(String(text[..<end])) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        firstLine.fail(EndedEarly())
        output.succeed(text)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
