import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import MirrorNode

@Suite("Services of the process", .timeLimit(.minutes(1)))
struct WatchedServiceTests {
    private struct Broken: Error {}

    /// Waits until it is told to stop, and notes how.
    private final class Waiting: Service {
        let name: String
        private let notes: Notes
        private let begin: AsyncStream<Void>.Continuation

        init(_ name: String, _ notes: Notes, begin: AsyncStream<Void>.Continuation) {
            self.name = name
            self.notes = notes
            self.begin = begin
        }

        func run() async throws {
            begin.yield()
            do {
                try await gracefulShutdown()
                notes.add("\(name) was told")
            } catch {
                notes.add("\(name) was cancelled")
            }
        }
    }

    private final class Notes: Sendable {
        private let noted = Mutex<[String]>([])

        var all: [String] { noted.withLock { $0 } }

        func add(_ note: String) { noted.withLock { $0.append(note) } }
    }

    /// Runs one part between two that wait, once those do.
    ///
    /// - Returns: How the two were stopped, and what was thrown.
    private func run(_ part: @escaping @Sendable () async throws -> Void) async -> (notes: [String], failure: (any Error)?) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watch = ExitWatch(grace: .seconds(60), log: LogWriter(descriptor: 2) { "dropped \($0)" }, logger: logger)
        let notes = Notes()
        let (beginnings, begin) = AsyncStream.makeStream(of: Void.self)
        let settings = ServiceGroupConfiguration(
            [
                WatchedService("first", watch, Waiting("first", notes, begin: begin)),
                WatchedService("part", watch) {
                    var count = 0
                    for await _ in beginnings {
                        count += 1
                        if count == 2 { break }
                    }
                    try await part()
                },
                WatchedService("last", watch, Waiting("last", notes, begin: begin)),
            ], grace: .seconds(60), logger: logger)
        do {
            try await ServiceGroup(configuration: settings).run()
            return (notes.all, nil)
        } catch {
            return (notes.all, error)
        }
    }

    @Test("When one fails the others are told to stop, last to first, and the failure is thrown")
    func fails() async {
        let (notes, failure) = await run { throw Broken() }
        #expect(notes == ["last was told", "first was told"])
        #expect(failure is Broken)
    }

    @Test("One that ends by itself has failed")
    func ends() async {
        let (notes, failure) = await run {}
        #expect(notes == ["last was told", "first was told"])
        #expect((failure as? ServiceEnded)?.name == "part")
    }
}
