import Foundation
import Synchronization

/// A Redis of a test's own, which may be killed, stopped and started again, empty and on the same port.
package final class RedisServer: Sendable {
    /// Options of a server that evicts what is least recently used.
    package static let evicting = ["--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"]

    package let port: Int
    private let arguments: [String]
    private let directory: TemporaryDirectory
    private let process = Mutex<ChildProcess?>(nil)

    /// Whether tests that need it run: where it is missed they run too, and fail.
    package static var isExpected: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment["CI"] == "true"
            || (environment["PATH"] ?? "").split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/redis-server")
            }
    }

    /// A server that is running, ready, and empty.
    ///
    /// - Parameter options: Of the configuration, as on the command line: `["--maxmemory", "10mb"]`.
    package static func start(_ options: [String] = RedisServer.evicting) async throws -> RedisServer {
        let server = RedisServer(
            port: try await FreePort.next(), in: try TemporaryDirectory(), options: ["--save", "", "--appendonly", "no"] + options)
        try await server.start()
        return server
    }

    /// A sentinel.
    ///
    /// - Parameter configuration: Lines of its file, which it writes to.
    package static func startSentinel(_ configuration: String) async throws -> RedisServer {
        let directory = try TemporaryDirectory()
        let file = try directory.write(configuration, to: "sentinel.conf")
        let server = RedisServer([file, "--sentinel"], port: try await FreePort.next(), in: directory)
        try await server.start()
        return server
    }

    private init(_ first: [String] = [], port: Int, in directory: TemporaryDirectory, options: [String] = []) {
        self.port = port
        self.directory = directory
        arguments = first + ["--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory.path] + options
    }

    /// It ends before its directory is removed.
    deinit {
        process.withLock { $0 = nil }
    }

    package var url: String { "redis://127.0.0.1:\(port)/0" }

    // MARK: The process

    /// Starts it, empty, and returns once it accepts connections.
    package func start() async throws {
        let process = try await ChildProcess.start("redis-server", arguments)
        self.process.withLock { $0 = process }
        // The second is a sentinel's.
        _ = try await process.line { $0.contains("Ready to accept connections") || $0.contains("+monitor ") }
    }

    package func send(_ signal: ChildProcess.Signal) {
        process.withLock { $0 }?.send(signal)
    }

    /// Sends a signal and waits for the end; nothing is kept.
    @discardableResult
    package func end(_ signal: ChildProcess.Signal = .kill) async throws -> ChildProcess.Exit? {
        send(signal)
        return try await process.withLock { $0 }?.end().exit
    }

    // MARK: Commands

    /// Sends a command, and gives the answer as text: one element a line.
    ///
    /// - Throws: ``ChildProcess/Failure`` when the server refuses it, or is not there.
    @discardableResult
    package func ask(_ words: String...) async throws -> String {
        try await ask(words)
    }

    @discardableResult
    package func ask(_ words: [String]) async throws -> String {
        try await ChildProcess.run("redis-cli", ["-p", "\(port)", "-e", "--raw"] + words).trimmingCharacters(in: .newlines)
    }

    /// An answer of `name:value` lines, such as that of `INFO`.
    package func lines(_ words: String...) async throws -> [String: String] {
        let pairs = try await ask(words).split(whereSeparator: \.isNewline).compactMap { line in
            line.firstIndex(of: ":").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// An answer of names and values in turn.
    package func pairs(_ words: String...) async throws -> [String: String] {
        let lines = try await ask(words).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let pairs = stride(from: 0, to: lines.count - 1, by: 2).map { (lines[$0], lines[$0 + 1]) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
