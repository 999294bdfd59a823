import Foundation
import Synchronization
import TestServers

/// Runs one client that can do without sockets, on as many threads as there are cores.
struct SocketlessRun: Sendable {
    /// So that its threads are not taken for those that have sockets.
    private static let firstNumber = 1_000

    let target: ClientTarget
    let client: SocketlessClient
    let settings: FuzzSettings
    let pool: [[UInt8]]
    let watch: Watchdog

    /// - Returns: How many exchanges there were.
    func run() async throws -> Int {
        let budget = settings.budget(usual: target.usual)
        let threads = ProcessInfo.processInfo.activeProcessorCount
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<threads {
                group.addTask {
                    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                        let thread = Thread { continuation.resume(with: Result { try work(number, budget) }) }
                        thread.stackSize = 8 << 20
                        thread.start()
                    }
                }
            }
            try await group.waitForAll()
        }
        return threads * pool.count + budget.count
    }

    /// Everything of a connection is done by the thread that made it.
    private func work(_ number: Int, _ budget: FuzzBudget) throws {
        let number = Self.firstNumber + number
        let crumb = try Crumb("\(target.name)-\(number)")
        let connection = SocketlessConnection(client)
        defer { connection.close() }
        func execute(_ bytes: [UInt8]) throws {
            crumb.write(bytes)
            watch.begin(number)
            defer { watch.end(number) }
            do {
                try connection.run(Exchange(bytes))
            } catch let contradiction as Contradiction {
                try Data(bytes).write(to: Crumb.folder.appending(path: "\(target.name)-contradiction"))
                throw contradiction
            } catch {
                // Refused, as most of it should be.
            }
        }
        for bytes in pool { try execute(bytes) }
        let seed = settings.seed &* 1_000 &+ UInt64(number)
        var mutator = FuzzMutator(pool, words: target.words, seed: seed)
        var answers = AnswerMutator(seed: seed)
        while budget.take() {
            try execute(answers.next())
            guard budget.take() else { break }
            try execute(mutator.next())
        }
        crumb.remove()
    }
}
