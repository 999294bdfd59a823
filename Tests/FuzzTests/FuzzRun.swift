#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation

/// Runs one target: what is in its corpus, then input that is made up.
///
/// The input is written to a file before it is tried. A trap or a hang ends the process, and that file is what it died of.
struct FuzzRun {
    /// Inputs that are made up where no time is given.
    static let executions = 3_000
    /// Seconds that one input may take.
    static let patience: UInt32 = 10

    let target: FuzzTarget
    /// `nil` for a fixed number of inputs.
    let seconds: Double?
    let seed: UInt64

    /// - Returns: How many inputs were tried.
    func run() throws -> Int {
        let crumb = try Crumb(Self.crumbs.appending(path: target.name))
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
                try Data(bytes).write(to: Self.crumbs.appending(path: "\(target.name)-contradiction"))
                throw contradiction
            } catch {
                // Refused, as most of it should be.
            }
        }
        let corpus = try Self.corpus(of: target)
        for bytes in target.seeds + corpus { try execute(bytes) }
        var mutator = FuzzMutator(target, corpus: corpus, seed: seed)
        let began = ContinuousClock.now
        while seconds.map({ began.duration(to: .now) < .seconds($0) }) ?? (count < Self.executions) { try execute(mutator.next()) }
        crumb.remove()
        return count
    }

    /// Inputs that once found something, and other odd ones.
    private static func corpus(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(target.name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    /// Where the inputs are that are being tried.
    static let crumbs = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.build/fuzz").standardized
}

/// The file with the input that is being tried.
private final class Crumb {
    private let url: URL
    private let descriptor: Int32

    init(_ url: URL) throws {
        self.url = url
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        descriptor = open(url.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) {
        _ = pwrite(descriptor, bytes, bytes.count, 0)
        _ = ftruncate(descriptor, off_t(bytes.count))
    }

    func remove() { try? FileManager.default.removeItem(at: url) }
}
