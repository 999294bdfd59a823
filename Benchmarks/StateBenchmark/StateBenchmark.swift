import Logging
import MirrorCore
import MirrorState
import NIOCore
import NIOPosix
import RedisClient
import StateRedis
import StateSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Calls one operation of a state store for a while and prints what came of it: a line `begin` when everything is prepared, so that who
/// measures processes can look at them, and a line of JSON at the end.
@main
enum StateBenchmark {
    private static let clock = ContinuousClock()
    /// Each run is a process of its own, so its beginning tells runs apart.
    private static let run = "run-\(SystemClock().now.milliseconds)"

    static func main() async {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            switch arguments.operation {
            case .get: try await measureClient(arguments)
            case .size: try await measureSize(arguments)
            case .sweep: try await measureSweep(arguments)
            case .replica, .cycle, .touch: try await measureStore(arguments)
            }
        } catch {
            write("StateBenchmark: \(error)", to: STDERR_FILENO)
            exit(1)
        }
    }

    // MARK: A store

    private static func measureStore(_ arguments: Arguments) async throws {
        let pool = try pool(arguments)
        let store = try await store(arguments, pool)
        let operations = try await StateOperations(store, pool: pool, replicas: arguments.replicas, length: arguments.length)
        let before = try await store.totals(of: pool)
        let (measured, took) = try await measure(arguments) { task, end in
            switch arguments.operation {
            case .replica: try await operations.replica(task: task, until: end)
            case .cycle: try await operations.cycle(task: task, run: run, until: end)
            case .touch: try await operations.touch(task: task, batch: arguments.batch, until: end)
            case .get, .size, .sweep: Measured()
            }
        }
        let after = try await store.totals(of: pool)
        let made = arguments.operation == .cycle ? measured.whole.count : 0
        guard after.objects == before.objects + made, after.pending == 0 else {
            throw Failure("there were \(before.objects) objects, \(made) were copied, and the totals are now \(after)")
        }
        await store.close()
        report(arguments, measured, took)
    }

    /// The place has to be empty.
    private static func measureSize(_ arguments: Arguments) async throws {
        let pool = try pool(arguments)
        let store = try await store(arguments, pool)
        let before = try await bytes(arguments)
        _ = try await StateOperations(store, pool: pool, replicas: arguments.replicas, length: arguments.length)
        await store.close()
        let all = try await bytes(arguments) - before
        write(
            "{\"operation\":\"size\",\"replicas\":\(arguments.replicas),\"bytes\":\(all),\"bytes_each\":\(all / arguments.replicas)}",
            to: STDOUT_FILENO)
    }

    /// The state has to have expired replicas.
    private static func measureSweep(_ arguments: Arguments) async throws {
        let pool = try pool(arguments)
        let store = try await store(arguments, pool)
        let operations = SweepOperations(store, pool: pool, run: run)
        let before = try await store.totals(of: pool)
        let end = clock.now + .seconds(arguments.seconds)
        let alone = try await operations.probe("alone", until: end)
        let began = clock.now
        let (swept, during) = try await withThrowingTaskGroup(of: Measured.self) { group -> (Int, Measured) in
            group.addTask { try await operations.probe("during", until: nil) }
            let removed = try await operations.sweep()
            group.cancelAll()
            return (removed, try await group.next() ?? Measured())
        }
        let seconds = began.duration(to: clock.now) / Duration.seconds(1)
        let after = try await store.totals(of: pool)
        guard after.objects == before.objects - swept else {
            throw Failure("there were \(before.objects) objects, \(swept) were removed, and there are \(after.objects)")
        }
        await store.close()
        write(
            "{\"operation\":\"sweep\",\"seconds\":\(seconds),\"units\":\(swept),"
                + "\"steps\":\(during.stepsJSON),\"alone\":\(alone.stepsJSON)}",
            to: STDOUT_FILENO)
    }

    private static func pool(_ arguments: Arguments) throws -> PoolID {
        guard let pool = PoolID(arguments.pool) else { throw Failure("the pool's name is invalid") }
        return pool
    }

    private static func bytes(_ arguments: Arguments) async throws -> Int {
        guard arguments.isRedis else {
            var status = stat()
            return stat(arguments.server, &status) == 0 ? Int(status.st_size) : 0
        }
        let database = RedisDatabase(try configuration(arguments), group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        try await connected { database.isConnected }
        let report = try await database.execute(RedisCommand(["INFO", "memory"], key: nil)).string ?? ""
        await database.close()
        let line = report.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }
        guard let bytes = line?.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw Failure("Redis does not say how much it holds")
        }
        return bytes
    }

    private static func store(_ arguments: Arguments, _ pool: PoolID) async throws -> any StateStore {
        guard arguments.isRedis else {
            return try SQLiteStateStore(path: arguments.server, maxQueued: 1_000_000, takeOver: true)
        }
        let store = RedisStateStore(
            try configuration(arguments), prefix: arguments.prefix, pools: [pool], maxQueued: 1_000_000,
            staleLife: .seconds(3_600), group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        try await connected { store.isConnected }
        return store
    }

    // MARK: The client alone

    private static func measureClient(_ arguments: Arguments) async throws {
        let database = RedisDatabase(
            try configuration(arguments), group: MultiThreadedEventLoopGroup.singleton, logger: quiet)
        try await connected { database.isConnected }
        let value = RedisWord.text(String(repeating: "x", count: 100))
        let keys = (0..<arguments.replicas).map { "\(arguments.prefix):get:\($0)" }
        for key in keys { _ = try await database.execute(RedisCommand("SET", key: key, value)) }
        let (measured, took) = try await measure(arguments) { task, end in
            var measured = Measured()
            var number = task * 7_919
            var now = clock.now
            while now < end {
                number += 1
                guard case .blob(let bytes) = try await database.execute(RedisCommand("GET", key: keys[number % keys.count])),
                    bytes.readableBytes == 100
                else { throw Failure("a value came back as another") }
                let then = clock.now
                measured.whole.add(now.duration(to: then))
                now = then
            }
            return measured
        }
        await database.close()
        report(arguments, measured, took)
    }

    // MARK: Around both

    private static var quiet: Logger { Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }) }

    private static func configuration(_ arguments: Arguments) throws -> RedisConfiguration {
        var configuration = try RedisConfiguration(url: arguments.server)
        // A server that is given more than it can do is to show in the latency, and not as a failure.
        configuration.commandTimeout = .seconds(10)
        configuration.stallTimeout = .seconds(20)
        return configuration
    }

    private static func connected(_ isConnected: () -> Bool) async throws {
        let limit = clock.now + .seconds(10)
        while !isConnected() {
            guard clock.now < limit else { throw Failure("no connection to Redis within 10 s") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Runs so many tasks until the time is over.
    private static func measure(
        _ arguments: Arguments, _ body: @escaping @Sendable (Int, ContinuousClock.Instant) async throws -> Measured
    ) async throws -> (Measured, Duration) {
        write("begin", to: STDOUT_FILENO)
        let began = clock.now
        let end = began + .seconds(arguments.seconds)
        let measured = try await withThrowingTaskGroup(of: Measured.self) { group in
            for task in 0..<arguments.tasks {
                group.addTask { try await body(task, end) }
            }
            var all = Measured()
            for try await each in group { all.add(each) }
            return all
        }
        let took = began.duration(to: clock.now)
        write("end", to: STDOUT_FILENO)
        return (measured, took)
    }

    private static func report(_ arguments: Arguments, _ measured: Measured, _ took: Duration) {
        let units = arguments.operation == .touch ? arguments.batch : 1
        write(measured.json(arguments.operation.rawValue, units: units, took: took), to: STDOUT_FILENO)
    }

    private static func write(_ line: String, to descriptor: Int32) {
        var bytes = Array("\(line)\n".utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                    Musl.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}
