#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import TestServers

/// Runs one target: what is in its corpus, then input that is made up.
///
/// The input is written to a file before it is tried. A trap or a hang ends the process, and that file is what it died of.
struct FuzzRun {
    /// Seconds that one input may take.
    static let patience: UInt32 = 10

    let target: FuzzTarget
    let settings: FuzzSettings

    /// - Returns: How many inputs were tried.
    func run() throws -> Int {
        let crumb = try Crumb(target.name)
        defer { alarm(0) }
        var count = 0
        func execute(_ bytes: [UInt8]) throws {
            crumb.write(bytes)
            // Nothing but the end of the process stops a parser that never returns: the alarm's signal.
            alarm(Self.patience)
            count += 1
            do {
                try target.run(bytes)
            } catch let contradiction as Contradiction {
                try Data(bytes).write(to: Crumb.folder.appending(path: "\(target.name)-contradiction"))
                throw contradiction
            } catch {
                // Refused, as most of it should be.
            }
        }
        let pool = target.seeds + (try FuzzCorpus.inputs(of: target.name))
        for bytes in pool { try execute(bytes) }
        var mutator = FuzzMutator(pool, words: target.words, seed: settings.seed)
        let budget = settings.budget()
        while budget.take() { try execute(mutator.next()) }
        crumb.remove()
        return count
    }
}
