#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import MirrorTesting
import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// A Redis server of the tests' own on loopback, empty at first. It ends with this process, however that ends, or when it is let go of.
final class RedisTestServer: Sendable {
    /// Between a pipe's making and its marking as not to be inherited no other server is started.
    private static let starting = Mutex(())
    private static let ports = Mutex<Set<Int>>([])

    /// Waits for the end of its input, which this process holds, to end the server.
    private static let keeper = "trap '' HUP INT TERM; \"$@\" & id=$!; read -r _; kill -KILL $id"

    let port: Int
    private let directory: TemporaryDirectory
    private let keeperID: pid_t
    private let lifeline: Int32

    /// Whether tests that need one run: where it is missed they run too, and fail.
    static var isExpected: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment["CI"] == "true"
            || (environment["PATH"] ?? "").split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/redis-server")
            }
    }

    /// Returns once it can be connected to.
    ///
    /// - Parameter options: Of the configuration, as on the command line: `["--maxmemory", "10mb"]`.
    static func start(_ options: [String] = []) async throws -> RedisTestServer {
        let port = try await freePort()
        let server = try RedisTestServer(port: port, options)
        let (connections, continuation) = AsyncStream<Void>.makeStream()
        let client = RedisDatabase(server.configuration, group: MultiThreadedEventLoopGroup.singleton) { event in
            if case .connected = event { continuation.yield() }
        }
        for await _ in connections { break }
        await client.close()
        return server
    }

    private init(port: Int, _ options: [String]) throws {
        self.port = port
        directory = try TemporaryDirectory()
        let arguments =
            [
                "sh", "-c", Self.keeper, "sh", "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--protected-mode", "no",
                "--save",
                "", "--appendonly", "no", "--daemonize", "no", "--dir", directory.path, "--logfile", "\(directory.path)/redis.log",
            ] + options
        (keeperID, lifeline) = try Self.starting.withLock { _ in try Self.spawn(arguments) }
    }

    deinit {
        close(lifeline)
        var status: Int32 = 0
        while waitpid(keeperID, &status, 0) == -1, errno == EINTR {}
    }

    var configuration: RedisConfiguration {
        Self.patient(RedisConfiguration(addresses: [.init(host: "127.0.0.1", port: port)]))
    }

    /// Time-outs for machines that are busy with other tests.
    static func patient(_ configuration: RedisConfiguration) -> RedisConfiguration {
        var configuration = configuration
        configuration.connectTimeout = .seconds(5)
        configuration.commandTimeout = .seconds(20)
        configuration.stallTimeout = .seconds(20)
        configuration.connectionWait = .seconds(20)
        return configuration
    }

    static func freePort() async throws -> Int {
        while true {
            // Below those that the system gives to outgoing connections.
            let port = Int.random(in: 10_000..<32_000)
            guard ports.withLock({ $0.insert(port).inserted }) else { continue }
            do {
                let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: port)
                    .get()
                try await channel.close().get()
                return port
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                continue
            }
        }
    }

    private static func spawn(_ arguments: [String]) throws -> (pid_t, Int32) {
        var ends: [Int32] = [-1, -1]
        try require(pipe(&ends) == 0, "pipe: \(errno)")
        defer { close(ends[0]) }
        for end in ends { try require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0, "fcntl: \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        for output in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0) }
        // No socket of a test is to stay open in a server, nor its port taken.
        #if canImport(Glibc)
            for descriptor in (STDERR_FILENO + 1)..<Int32(clamping: min(sysconf(Int32(_SC_OPEN_MAX)), 4_096)) {
                posix_spawn_file_actions_addclose(&actions, descriptor)
            }
        #endif
        // The shell must hear of its child's end, whatever the thread that starts it has blocked.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv = arguments.map { strdup($0) } + [nil]
        let path = "PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        var variables = [strdup(path), nil]
        defer { for text in argv + variables { free(text) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, &argv, &variables)
        if code != 0 { close(ends[1]) }
        try require(code == 0, "posix_spawn: \(code)")
        return (id, ends[1])
    }
}

/// Three masters, each with a third of the slots.
struct RedisTestCluster: Sendable {
    private let servers: [RedisTestServer]

    static func start() async throws -> RedisTestCluster {
        var servers: [RedisTestServer] = []
        for _ in 1...3 {
            servers.append(
                try await RedisTestServer.start([
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-port", "\(RedisTestServer.freePort())",
                ]))
        }
        let clients = servers.map { RedisTestClient($0.configuration) }
        var bus: [String] = []
        for (number, client) in clients.enumerated() {
            try await client.ask("CLUSTER", "SET-CONFIG-EPOCH", "\(number + 1)")
            try await client.ask("CLUSTER", "ADDSLOTSRANGE", "\(16_384 * number / 3)", "\(16_384 * (number + 1) / 3 - 1)")
            bus.append(try requireValue(try await client.ask("CONFIG", "GET", "cluster-port").array?.last?.string))
        }
        for (server, bus) in zip(servers, bus).dropFirst() {
            try await clients[0].ask("CLUSTER", "MEET", "127.0.0.1", "\(server.port)", bus)
        }
        for client in clients {
            try await eventually("the cluster stands") {
                let info = try await client.ask("CLUSTER", "INFO").string ?? ""
                return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
                    && info.contains("cluster_slots_ok:16384")
            }
            await client.close()
        }
        return RedisTestCluster(servers: servers)
    }

    var configuration: RedisConfiguration {
        RedisTestServer.patient(RedisConfiguration(topology: .cluster, addresses: servers.map { .init(host: "127.0.0.1", port: $0.port) }))
    }
}

/// For what the store would not do.
struct RedisTestClient: Sendable {
    private let redis: RedisDatabase

    init(_ configuration: RedisConfiguration) {
        redis = RedisDatabase(configuration, group: MultiThreadedEventLoopGroup.singleton)
    }

    @discardableResult
    func ask(_ words: String...) async throws -> RedisValue { try await ask(words) }

    @discardableResult
    func ask(_ words: [String]) async throws -> RedisValue {
        try await redis.execute(RedisCommand(words.map { .text($0) }, key: nil))
    }

    func close() async { await redis.close() }
}

/// Asks again and again, for what no event tells.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try await !isSo() {
        try require(ContinuousClock.now < deadline, "it did not happen in time that \(what)")
        try await Task.sleep(for: .milliseconds(20))
    }
}
