import Foundation
import MirrorCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

/// A `cloud-mirror serve` or `cloud-mirror copier` of a test's own: its directory, its configuration file, and the process, which may be started again and again.
final class MirrorProcess: Sendable {
    static let pool = "local/dev"

    private struct Running {
        let process: ChildProcess
        let url: String
    }

    let directory: TemporaryDirectory
    let token: String
    /// The executable and what is before it.
    private let command: @Sendable () throws -> [String]
    private let arguments: [String]
    private let running = Mutex<Running?>(nil)

    /// Writes the configuration, starts, runs `body`, and ends the process whatever happens.
    static func run<Result>(
        _ settings: MirrorSettings, isolation: isolated (any Actor)? = #isolation, _ body: (MirrorProcess) async throws -> Result
    ) async throws -> Result {
        let directory = try TemporaryDirectory()
        let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
        let mirror = MirrorProcess(["--config", file], in: directory, token: settings.token)
        return try await mirror.whileRunning(body)
    }

    /// The same without a configuration file.
    static func runWithoutConfiguration<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (MirrorProcess) async throws -> Result
    ) async throws -> Result {
        let directory = try TemporaryDirectory()
        let mirror = MirrorProcess(["--state-dir", "\(directory.path)/state", "--listen", "127.0.0.1:0"], in: directory, token: "")
        return try await mirror.whileRunning(body)
    }

    /// - Parameters:
    ///   - prefix: A command that runs the executable in its own place.
    ///   - role: The command: `serve` or `copier`.
    init(before prefix: [String] = [], role: String = "serve", _ arguments: [String], in directory: TemporaryDirectory, token: String) {
        command = { prefix + [try TestEnvironment.executable()] }
        self.arguments = [role] + arguments + ["--print-ready"]
        self.directory = directory
        self.token = token
    }

    func whileRunning<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (MirrorProcess) async throws -> Result
    ) async throws -> Result {
        do {
            try await start()
            let result = try await body(self)
            try await end(.kill)
            return result
        } catch {
            let exit = (try? await end(.kill)).flatMap { $0 }
            Issue.record("the mirror ended with \(exit?.description ?? "nothing"), its standard error with:\n\(log.suffix(4_000))")
            throw error
        }
    }

    // MARK: The process

    /// Starts it in the same directories as before, and returns once it accepts requests.
    ///
    /// - Parameter early: Is called as soon as there is a process.
    func start(_ early: (ChildProcess) async throws -> Void = { _ in }) async throws {
        let command = try command()
        let process = try await ChildProcess.start(
            command[0], command.dropFirst() + arguments, errorFile: "\(directory.path)/stderr.log")
        try await early(process)
        let line = try await process.line()
        try #require(line.hasPrefix("ready http"), "the mirror wrote: \(line)")
        running.withLock { $0 = Running(process: process, url: String(line.dropFirst("ready ".count))) }
    }

    /// Sends a signal and does not wait for what comes of it.
    func send(_ signal: ChildProcess.Signal) {
        running.withLock { $0 }?.process.send(signal)
    }

    /// Sends a signal and waits for the end.
    @discardableResult
    func end(_ signal: ChildProcess.Signal) async throws -> ChildProcess.Exit? {
        send(signal)
        return try await ended()
    }

    /// When the last process that was started ended.
    var endedAt: ContinuousClock.Instant? { running.withLock { $0 }?.process.ended }

    /// A crash is an issue of its own: nothing else that a test sees of it says what it was.
    func ended() async throws -> ChildProcess.Exit? {
        guard let process = running.withLock({ $0 })?.process else { return nil }
        let exit = try await process.end().exit
        if let line = log.split(separator: "\n").first(where: { $0.contains("Fatal error") }) {
            Issue.record("the mirror crashed: \(line)")
        }
        return exit
    }

    func restart(after signal: ChildProcess.Signal) async throws {
        try await end(signal)
        try await start()
    }

    /// Writes another configuration, tells the process, and returns once it has read it.
    ///
    /// - Returns: Whether it took it.
    func reload(_ settings: MirrorSettings) async throws -> Bool {
        try configure(settings)
        return try await reload()
    }

    func configure(_ settings: MirrorSettings) throws {
        try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
    }

    func reload() async throws -> Bool {
        let before = try await (metric(Self.reloads, "reloaded"), metric(Self.reloads, "refused"))
        send(.hangUp)
        return try await eventually("the configuration is read again") {
            if try await metric(Self.reloads, "reloaded") != before.0 { return true }
            return try await metric(Self.reloads, "refused") != before.1 ? false : nil
        }
    }

    private static let reloads = "cloud_mirror_reloads_total"
    var processID: Int32? { running.withLock { $0 }?.process.id }

    var url: String { running.withLock { $0?.url } ?? "" }

    /// Bytes of memory that the process has had at most; `nil` when it does not run.
    func peakMemory() throws -> Int64? {
        guard let id = running.withLock({ $0 })?.process.id else { return nil }
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(id)/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int64($0) }.map { $0 << 10 }
    }

    /// The next line of standard output, after the one that says that it accepts requests.
    func outputLine() async throws -> String {
        let process = running.withLock { $0 }?.process
        return try await #require(process).line()
    }

    /// All that was written to standard error.
    var log: String { (try? directory.read("stderr.log")).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// Paths of the pool's objects.
    func objects() throws -> [String] { try directory.files(in: "pool/files") }
    /// The same of a pool that is elsewhere.
    func objects(below pool: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: "\(pool)/files").filter { $0.split(separator: "/").count == 2 }
    }
    /// Names of what is being uploaded.
    func uploads() throws -> [String] { try directory.files(in: "pool/uploads") }

    // MARK: Requests

    func send(_ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: String? = nil) async throws -> HTTP.Answer {
        try await HTTP.send(method, url + path, headers: headers, body: body)
    }

    /// A call with the admin token.
    func admin(_ method: HTTPMethod, _ path: String, body: String? = nil) async throws -> HTTP.Answer {
        try await send(method, path, headers: ["Authorization": "Bearer \(token)"], body: body)
    }

    /// Asks for an artifact; the answer is not followed.
    ///
    /// - Parameter client: The address that a proxy, which has to be trusted, says it asks for.
    func redirect(
        _ artifact: String, in pool: String = pool, wait: Int? = nil, _ method: HTTPMethod = .GET, from client: String? = nil
    ) async throws -> HTTP.Answer {
        let query = wait.map { "?wait=\($0)" } ?? ""
        let headers: HTTPHeaders = client.map { ["X-Forwarded-For": $0] } ?? [:]
        return try await send(method, "/v1/redirect/\(pool)/\(PercentCoding.encode(artifact))\(query)", headers: headers)
    }

    /// The object that an answer redirects to.
    func follow(_ answer: HTTP.Answer) async throws -> HTTP.Answer {
        let location = try #require(answer.location, "\(answer.status) \(answer.text)")
        try #require(location.hasPrefix("/local/"), "a redirect to \(location), not to a copy")
        return try await send(.GET, location)
    }

    /// What is served as an artifact's copy, whether there is one or not.
    func local(_ artifact: String) async throws -> HTTP.Answer {
        try await send(.GET, "/local/dev/\(ObjectKey(ArtifactURL(artifact)).percentEncoded)")
    }

    func warm(_ artifacts: [String]) async throws {
        let urls = artifacts.map { "\"\($0)\"" }.joined(separator: ",")
        let answer = try await admin(.POST, "/v1/warm", body: "{\"urls\":[\(urls)]}")
        try #require(answer.status == 202, "\(answer.status) \(answer.text)")
    }

    struct ReplicaPage: Decodable {
        let replicas: [Item]

        struct Item: Decodable {
            let url: String
            let state: String
            let size: Int64?
            let sha256: String?
            let error: Failure?

            struct Failure: Decodable {
                let reason: String
                let status: Int?
            }
        }
    }

    struct Stats: Decodable {
        let redirects: [String: Int64]
        let copies: [String: Int64]
        let copiedBytes: Int64
        let egressAvoidedBytes: Int64
        let waiting: Int
        let origins: [Origin]
        let coldClaims: ColdClaims

        struct ColdClaims: Decodable {
            let spentNetworks: Int
            let networks: [String]
        }

        struct Origin: Decodable {
            let origin: String
            let queued: Int
            let running: Int
            let slow: Int
            let bytesPerSecond: Int64
            let slowed: Int
        }
    }

    /// What the mirror knows of an artifact; `nil` when it knows nothing.
    func replica(_ artifact: String, in pool: String = pool) async throws -> ReplicaPage.Item? {
        let answer = try await admin(.GET, "/v1/replicas/\(pool)/\(PercentCoding.encode(artifact))")
        if answer.status == 404 { return nil }
        try #require(answer.status == 200, "\(answer.status) \(answer.text)")
        return try answer.json(ReplicaPage.self).replicas.first
    }

    /// Removes an artifact's replica.
    func purge(_ artifact: String, in pool: String = pool) async throws {
        let answer = try await admin(.DELETE, "/v1/purge/\(pool)/\(PercentCoding.encode(artifact))")
        try #require((200..<300).contains(answer.status), "\(answer.status) \(answer.text)")
    }

    /// The value of a metric whose line has all of these labels; `nil` when there is none.
    func metric(_ name: String, _ labels: String...) async throws -> Double? {
        let answer = try await send(.GET, "/metrics")
        try #require(answer.status == 200)
        for line in answer.text.split(separator: "\n") where line.hasPrefix(name + "{") || line.hasPrefix(name + " ") {
            guard labels.allSatisfy(line.contains), let value = line.split(separator: " ").last else { continue }
            return Double(value)
        }
        return nil
    }

    /// Bytes that a pool's service has copied by itself.
    ///
    /// - Parameter source: `origin` or `replica`.
    func copiedByService(into pool: String, from source: String) async throws -> Int {
        Int(try await metric("cloud_mirror_server_side_copy_bytes_total", "pool=\"\(pool)\"", "source=\"\(source)\"") ?? 0)
    }

    /// Returns once so many requests wait for a copy.
    func waiting(_ count: Int) async throws {
        try await eventually("\(count) requests wait") {
            try await metric("cloud_mirror_waiting_requests") == Double(count)
        }
    }
}
