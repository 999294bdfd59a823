import Foundation
import NIOSSL
import TestServers

/// Runs one client: what is in its corpus, one after the other, then answers that are made up, several at a time.
///
/// Each worker has a server and a connection of its own, and the same answers in each run with the same seed. What it tries is in a file; a trap or a hang
/// ends the process, and one of those files is what it died of. Of a client that can do without sockets most are tried so, by one thread for each core.
struct ClientRun {
    private static let workers = 32
    /// How long one exchange may take. The machine may be busy, and a client may wait for an answer.
    private static let patience = Duration.seconds(30)
    /// Of so many exchanges of a worker one may be such that the client has to lose its patience.
    private static let waitsEvery = 255
    /// Of a client that can do without sockets one input in so many goes over one all the same, through its pool of connections.
    private static let socketEvery = 16

    let target: ClientTarget
    let settings: FuzzSettings

    /// - Returns: How many exchanges there were.
    func run() async throws -> Int {
        try FileManager.default.createDirectory(at: Crumb.folder, withIntermediateDirectories: true)
        var seeds = target.seeds
        if target.server == .rawTLS {
            seeds = try FuzzCertificates.handshakes(of: try await FuzzCertificates.serverContext()).map { Array("e\n".utf8) + $0 }
        }
        let pool = seeds + (try FuzzCorpus.inputs(of: target.corpus))
        let workers = try await Self.start(target)
        let watch = Watchdog(Self.patience, target.name)
        defer { watch.stop() }
        let budget = settings.budget(usual: target.usual, part: target.socketless == nil ? 1 : Self.socketEvery)
        let seed = settings.seed
        try await target.withClient(workers.map(\.server.port)) { client in
            @Sendable func execute(_ bytes: [UInt8], _ worker: Worker, mayWait: Bool = true) async throws {
                worker.crumb.write(bytes)
                var exchange = Exchange(bytes, isEarly: target.server == .rawTLS)
                if !mayWait { exchange.hurry() }
                worker.server.set(exchange)
                watch.begin(worker.number)
                defer { watch.end(worker.number) }
                do {
                    try await client.ask(port: worker.server.port, exchange)
                } catch let contradiction as Contradiction {
                    try Data(bytes).write(to: Crumb.folder.appending(path: "\(target.name)-contradiction"))
                    throw contradiction
                } catch {
                    // Refused, as most of it should be.
                }
            }
            for bytes in pool { try await execute(bytes, workers[0]) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers {
                    group.addTask {
                        var mutator = FuzzMutator(pool, words: target.words, seed: seed &* 1_000 &+ UInt64(worker.number))
                        var answers = AnswerMutator(seed: seed &* 1_000 &+ UInt64(worker.number))
                        var count = worker.number
                        while budget.take() {
                            count += 1
                            let bytes = target.takesAnswers && count.isMultiple(of: 2) ? answers.next() : mutator.next()
                            try await execute(bytes, worker, mayWait: count.isMultiple(of: Self.waitsEvery))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        for worker in workers {
            try await worker.server.stop()
            worker.crumb.remove()
        }
        let count = pool.count + budget.count
        guard let client = try target.socketless?() else { return count }
        return count + (try await SocketlessRun(target: target, client: client, settings: settings, pool: pool, watch: watch).run())
    }

    /// One input, alone.
    func run(_ bytes: [UInt8]) async throws {
        let server = try await AnswerServer.start(tls: target.speaksTLS ? try await FuzzCertificates.serverContext() : nil)
        let exchange = Exchange(bytes)
        server.set(exchange)
        try await target.withClient([server.port]) { try await $0.ask(port: server.port, exchange) }
        try await server.stop()
    }

    private struct Worker: Sendable {
        let number: Int
        let server: AnswerServer
        let crumb: Crumb
    }

    private static func start(_ target: ClientTarget) async throws -> [Worker] {
        var contexts: [NIOSSLContext] = []
        if target.speaksTLS {
            for version in [TLSVersion.tlsv13, .tlsv12] {
                contexts.append(try await FuzzCertificates.serverContext { $0.maximumTLSVersion = version })
            }
        }
        var all: [Worker] = []
        for number in 0..<workers {
            let server = try await AnswerServer.start(
                tls: contexts.isEmpty ? nil : contexts[number % contexts.count], isMangled: target.server == .mangledTLS)
            all.append(Worker(number: number, server: server, crumb: try Crumb("\(target.name)-\(number)")))
        }
        return all
    }
}
