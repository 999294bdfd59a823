import MirrorCore
import ServiceLifecycle
import Synchronization
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct ListenerServiceTests {
    private struct Application: Service {
        let accept: @Sendable () async throws -> Void

        func run() async throws { try await accept() }
    }

    private struct Broken: Error {}

    private static func listener(_ connections: ConnectionTasks, _ accept: @escaping @Sendable () async throws -> Void) -> ListenerService {
        ListenerService(
            application: Application(accept: accept), connections: connections, listener: .main,
            address: ListenAddress(host: "127.0.0.1", port: 0))
    }

    @Test func `connections are accepted with a higher priority than requests are answered`() async throws {
        let connections = ConnectionTasks()
        let accepting = Mutex<TaskPriority?>(nil)
        let answering = Mutex<TaskPriority?>(nil)
        let listener = Self.listener(connections) {
            accepting.withLock { $0 = Task.currentPriority }
            connections.start { answering.withLock { $0 = Task.currentPriority } }
        }
        try await listener.run()
        let (first, second) = (try #require(accepting.withLock { $0 }), try #require(answering.withLock { $0 }))
        #expect(first > second)
    }

    @Test func `open connections are served to the end after accepting has ended`() async throws {
        let connections = ConnectionTasks()
        let ended = Mutex(false)
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let listener = Self.listener(connections) {
            connections.start {
                for await _ in gate { break }
                ended.withLock { $0 = !Task.isCancelled }
            }
        }
        async let run: Void = listener.run()
        opening.yield()
        try await run
        #expect(ended.withLock { $0 })
    }

    @Test func `if accepting fails, open connections are cut off and the failure is passed on`() async throws {
        let connections = ConnectionTasks()
        let wasCancelled = Mutex(false)
        let listener = Self.listener(connections) {
            connections.start {
                let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
                await withTaskCancellationHandler {
                    for await _ in stream {}
                } onCancel: {
                    continuation.finish()
                }
                wasCancelled.withLock { $0 = Task.isCancelled }
            }
            throw Broken()
        }
        await #expect(throws: Broken.self) { try await listener.run() }
        #expect(wasCancelled.withLock { $0 })
    }
}
