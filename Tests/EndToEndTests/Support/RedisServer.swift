import Foundation
import Synchronization
import Testing

/// A Redis of a test's own, which may be killed, stopped and started again, empty and on the same port.
final class RedisServer: Sendable {
    let port: Int
    private let program: String
    private let arguments: [String]
    private let directory: TemporaryDirectory
    private let process = Mutex<ChildProcess?>(nil)

    /// Whether tests that need it run: where it is missed they run too, and fail.
    static var isExpected: Bool { path(of: "redis-server") != nil || ProcessInfo.processInfo.environment["CI"] == "true" }

    /// A server that is running, ready, and empty.
    ///
    /// - Parameter options: Of the configuration, as on the command line: `["--maxmemory", "10mb"]`.
    static func start(_ options: [String] = []) async throws -> RedisServer {
        let server = RedisServer(
            "redis-server",
            ["--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"] + options,
            port: try await FreePort.next(), in: try TemporaryDirectory())
        try await server.start()
        return server
    }

    /// A sentinel.
    ///
    /// - Parameter configuration: Lines of its file, which it writes to.
    static func startSentinel(_ configuration: String) async throws -> RedisServer {
        let directory = try TemporaryDirectory()
        let file = try directory.write(configuration, to: "sentinel.conf")
        let server = RedisServer("redis-sentinel", [file], port: try await FreePort.next(), in: directory)
        try await server.start()
        return server
    }

    private init(_ program: String, _ arguments: [String], port: Int, in directory: TemporaryDirectory) {
        self.program = program
        self.arguments =
            arguments + [
                "--port", "\(port)", "--bind", "127.0.0.1", "--protected-mode", "no", "--daemonize", "no", "--dir", directory.path,
                "--logfile", "\(directory.path)/redis.log",
            ]
        self.port = port
        self.directory = directory
    }

    deinit {
        process.withLock { $0?.send(.kill) }
    }

    var url: String { "redis://127.0.0.1:\(port)/0" }
    var log: String { (try? directory.read("redis.log")).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    // MARK: The process

    /// Starts it, empty, and returns once it answers.
    func start() async throws {
        let process = try await ChildProcess.start(try Self.require(program), arguments, errorFile: "\(directory.path)/stderr.log")
        self.process.withLock { $0 = process }
        try await eventually("\(program) answers") { try? await ask("PING") == "PONG" ? () : nil }
    }

    func send(_ signal: ChildProcess.Signal) {
        process.withLock { $0 }?.send(signal)
    }

    /// Sends a signal and waits for the end; nothing is kept.
    @discardableResult
    func end(_ signal: ChildProcess.Signal = .kill) async throws -> ChildProcess.Exit? {
        send(signal)
        return try await process.withLock { $0 }?.end().exit
    }

    // MARK: Commands

    /// Sends a command, and gives the answer as text: one element a line.
    ///
    /// - Throws: ``CommandFailure`` when the server refuses it, or is not there.
    @discardableResult
    func ask(_ words: String...) async throws -> String {
        try await ask(words)
    }

    private func ask(_ words: [String]) async throws -> String {
        let process = try await ChildProcess.start(
            try Self.require("redis-cli"), ["-p", "\(port)", "-e", "--raw"] + words, errorFile: "\(directory.path)/redis-cli.log")
        let (exit, output) = try await process.end()
        let answer = output.trimmingCharacters(in: .newlines)
        guard exit == .code(0) else { throw CommandFailure(command: words.joined(separator: " "), answer: answer) }
        return answer
    }

    /// An answer of `name:value` lines, such as that of `INFO`.
    func lines(_ words: String...) async throws -> [String: String] {
        let pairs = try await ask(words).split(whereSeparator: \.isNewline).compactMap { line in
            line.firstIndex(of: ":").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// An answer of names and values in turn.
    func pairs(_ words: String...) async throws -> [String: String] {
        let lines = try await ask(words).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let pairs = stride(from: 0, to: lines.count - 1, by: 2).map { (lines[$0], lines[$0 + 1]) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    struct CommandFailure: Error, CustomStringConvertible {
        let command: String
        let answer: String

        var description: String { "redis: \(command): \(answer)" }
    }

    // MARK: Where the programs are

    private static func path(of program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func require(_ program: String) throws -> String {
        try #require(path(of: program), "\(program) is not installed; run scripts/setup.sh")
    }
}
