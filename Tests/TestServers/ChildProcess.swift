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

/// A program that a test runs, and what it writes. It ends with this process at the latest, however that ends, or when it is let go of.
package final class ChildProcess: Sendable {
    package enum Signal: Sendable {
        case terminate, kill, hangUp, user1, user2
        /// Stops the process where it is, until it is told to go on.
        case suspend, resume

        package var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .kill: SIGKILL
            case .hangUp: SIGHUP
            case .user1: SIGUSR1
            case .user2: SIGUSR2
            case .suspend: SIGSTOP
            case .resume: SIGCONT
            }
        }
    }

    package enum Exit: Equatable, Sendable, CustomStringConvertible {
        case code(Int32)
        case signal(Int32)

        package var description: String {
            switch self {
            case .code(let code): "exit code \(code)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    /// The process ended before it wrote what was waited for, or otherwise than with exit code 0.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let id: Int32
    private let lines: AsyncStream<String>
    private let output: EventLoopFuture<String>
    private let exit = Mutex<Exit?>(nil)
    private let closed = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameters:
    ///   - executable: A path, or a name that is looked for in `PATH`.
    ///   - environment: Beside that of this process, less everything that begins with `CLOUD_MIRROR_`.
    ///   - errorFile: Where standard error is appended to, so that it survives whatever happens; without one it is read with the output.
    package static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], errorFile: String? = nil
    ) async throws -> ChildProcess {
        let guardian = try ProcessGuard.shared.get()
        let ends = try makePipe()
        defer { close(ends.write) }
        let id: Int32
        do {
            id = try spawn(executable, arguments, environment: environment, output: ends.write, errorFile: errorFile)
        } catch {
            close(ends.read)
            throw error
        }
        guardian.watch(id)
        let (lines, told) = AsyncStream.makeStream(of: String.self)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let output = loop.makePromise(of: String.self)
        let process = ChildProcess(id: id, lines: lines, output: output.futureResult)
        _ = try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(input: ends.read) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(OutputReader(lines: told, output: output))
            }
        }
        return process
    }

    /// Runs a program to its end.
    ///
    /// - Returns: What it wrote, its standard error too.
    /// - Throws: ``Failure`` unless it ends with exit code 0.
    @discardableResult
    package static func run(_ executable: String, _ arguments: [String]) async throws -> String {
        let (exit, output) = try await start(executable, arguments).end()
        guard exit == .code(0) else {
            throw Failure(description: "\(([executable] + arguments).joined(separator: " ")): \(exit): \(output)")
        }
        return output
    }

    private init(id: Int32, lines: AsyncStream<String>, output: EventLoopFuture<String>) {
        self.id = id
        self.lines = lines
        self.output = output
        output.whenComplete { [weak self] _ in self?.closed.withLock { $0 = .now } }
    }

    /// When its output ended, by the thread that reads it: a test that measures is not to measure how long it waits for its own turn.
    package var ended: ContinuousClock.Instant? { closed.withLock { $0 } }

    deinit {
        send(.kill)
        _ = reap()
    }

    /// Does nothing to a process that is known to have ended.
    package func send(_ signal: Signal) {
        exit.withLock { exit in
            if exit == nil { _ = kill(id, signal.number) }
        }
    }

    /// The next line of output that is wanted, without its end; those before it are passed over.
    ///
    /// - Throws: ``Failure`` when the process ends without one.
    package func line(where isWanted: @Sendable (String) -> Bool = { _ in true }) async throws -> String {
        var others: [String] = []
        for await line in lines {
            if isWanted(line) { return line }
            others.append(line)
        }
        try Task.checkCancellation()
        throw Failure(description: "ended early, after: \(others.joined(separator: "\n"))")
    }

    /// All of the output, once the process has ended. A cancelled test kills it.
    package func end() async throws -> (exit: Exit, output: String) {
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
            try? ProcessGuard.shared.get().forget(id)
            let signal = status & 0x7F
            let ended = signal == 0 ? Exit.code((status >> 8) & 0xFF) : .signal(signal)
            exit = ended
            return ended
        }
    }
}

/// Reads a pipe to its end.
private final class OutputReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let lines: AsyncStream<String>.Continuation
    private let output: EventLoopPromise<String>
    private var all = ByteBuffer()
    private var line = ByteBuffer()

    init(lines: AsyncStream<String>.Continuation, output: EventLoopPromise<String>) {
        self.lines = lines
        self.output = output
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = unwrapInboundIn(data)
        all.writeImmutableBuffer(piece)
        line.writeImmutableBuffer(piece)
        while let end = line.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            lines.yield(line.readString(length: end - line.readerIndex) ?? "")
            line.moveReaderIndex(forwardBy: 1)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lines.finish()
        output.succeed(String(buffer: all))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
