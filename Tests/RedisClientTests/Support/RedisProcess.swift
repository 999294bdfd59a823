import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RedisClient

/// A server of a test's own, on a free port, without anything on disk; ends with this process at the latest, and before that when it is disposed of.
final class RedisProcess: Sendable {
    enum Signal: Sendable {
        case terminate, kill, stop, go

        fileprivate var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .kill: SIGKILL
            case .stop: SIGSTOP
            case .go: SIGCONT
            }
        }
    }

    struct NotStarted: Error, CustomStringConvertible {
        var description: String
    }

    static let server = path(of: "redis-server")
    /// Where they are missed, tests that need servers run too, and fail.
    static let areExpected = server != nil || ProcessInfo.processInfo.environment["CI"] == "true"

    let port: Int
    private let arguments: [String]
    private let directory: URL
    private let running = Mutex<ChildProcess?>(nil)

    /// Starts `redis-server`, and returns when it accepts connections.
    ///
    /// - Parameter sentinel: The lines of its configuration when it is to be a sentinel.
    static func start(_ options: [String] = [], port: Int? = nil, sentinel: String? = nil) async throws -> RedisProcess {
        let process = try RedisProcess(options, port: try await freePort(port), sentinel: sentinel)
        try await process.start()
        return process
    }

    private init(_ options: [String], port: Int, sentinel: String?) throws {
        self.port = port
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let common = ["--port", "\(port)", "--bind", "127.0.0.1", "--dir", directory.path]
        if let sentinel {
            let file = directory.appendingPathComponent("sentinel.conf")
            try Data(sentinel.utf8).write(to: file)
            arguments = [file.path, "--sentinel"] + common
        } else {
            arguments = common + ["--save", "", "--appendonly", "no"] + options
        }
    }

    /// Kills it and removes its files; for a `defer`, which also keeps it for as long as that.
    func dispose() {
        send(.kill)
        try? FileManager.default.removeItem(at: directory)
    }

    var address: RedisConfiguration.Address { RedisConfiguration.Address(host: "127.0.0.1", port: port) }

    func start() async throws {
        guard let server = Self.server else { throw NotStarted(description: "redis-server is not installed") }
        let process = try await ChildProcess.start(server, arguments)
        running.withLock { $0 = process }
        var seen: [String] = []
        for await line in process.lines {
            seen.append(line)
            if line.contains("Ready to accept connections") || line.contains("+monitor master") { return }
        }
        throw NotStarted(description: seen.joined(separator: "\n"))
    }

    func send(_ signal: Signal) {
        running.withLock { $0 }?.send(signal.number)
    }

    /// Sends a signal that ends it, and returns when it has ended.
    func end(_ signal: Signal = .kill) async throws {
        send(signal)
        try await running.withLock { $0 }?.end()
    }

    // MARK: Programs and ports

    static func path(of program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program to its end.
    ///
    /// - Returns: What it wrote.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) async throws -> String {
        guard let path = path(of: program) else { throw NotStarted(description: "\(program) is not installed") }
        let (text, succeeded) = try await ChildProcess.start(path, arguments).end()
        guard succeeded else { throw NotStarted(description: "\(program): \(text)") }
        return text
    }

    private static let given = Mutex<Set<Int>>([])

    /// Below the ports of outgoing connections, so that none of these takes the port of a server that is down for a while; and such that the
    /// port of the cluster bus (10,000 more) is below 65,536.
    static func freePort(_ wanted: Int? = nil) async throws -> Int {
        if let wanted { return wanted }
        for _ in 1...1_000 {
            let port = Int.random(in: 10_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            do {
                let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
                try await channel.close().get()
                return port
            } catch is IOError {
                continue
            }
        }
        throw NotStarted(description: "no port is free")
    }
}
