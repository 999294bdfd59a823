import NIOCore
import NIOEmbedded
import Synchronization
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct ConnectionTasksTests {
    /// Ends when it is cancelled, and only then.
    private static func untilCancelled() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }

    @Test func `draining ends at once if nothing was ever started`() async {
        await ConnectionTasks().drain()
    }

    @Test func `draining waits for the last connection`() async {
        let tasks = ConnectionTasks()
        let ended = Mutex(0)
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        for number in 1...100 {
            tasks.start {
                if number == 50 { for await _ in gate { break } }
                ended.withLock { $0 += 1 }
            }
        }
        async let drained: Void = tasks.drain()
        opening.yield()
        await drained
        #expect(ended.withLock { $0 } == 100)
    }

    @Test func `cancelling ends the connections that are open`() async {
        let tasks = ConnectionTasks()
        let ended = Mutex(0)
        for _ in 1...100 {
            tasks.start {
                await Self.untilCancelled()
                ended.withLock { $0 += 1 }
            }
        }
        tasks.cancel()
        await tasks.drain()
        #expect(ended.withLock { $0 } == 100)
    }

    @Test func `a connection that comes after cancelling is cancelled, too`() async {
        let tasks = ConnectionTasks()
        let wasCancelled = Mutex(false)
        tasks.cancel()
        tasks.start {
            await Self.untilCancelled()
            wasCancelled.withLock { $0 = Task.isCancelled }
        }
        await tasks.drain()
        #expect(wasCancelled.withLock { $0 })
    }

    @Test func `cancelling hangs up on connections, also on those that come later, but not on those that are closed`() {
        let tasks = ConnectionTasks()
        let hungUp = WatchedState(0)
        let channels = [EmbeddedChannel(), EmbeddedChannel()]
        func add(_ channel: any Channel) {
            tasks.add(channel) {
                hungUp.change { $0 += 1 }
                channel.close(promise: nil)
            }
        }
        add(channels[0])
        #expect(hungUp.current == 0)
        tasks.cancel()
        #expect(hungUp.current == 1)
        add(channels[1])
        #expect(hungUp.current == 2)
        for channel in channels { channel.embeddedEventLoop.run() }
        tasks.cancel()
        #expect(hungUp.current == 2)
    }

    @Test(arguments: [TaskPriority.high, .low])
    func `connections do not take over the priority of the task that accepts them`(accepting: TaskPriority) async {
        let tasks = ConnectionTasks()
        let seen = Mutex<TaskPriority?>(nil)
        await Task(priority: accepting) {
            tasks.start { seen.withLock { $0 = Task.currentPriority } }
        }.value
        await tasks.drain()
        #expect(seen.withLock { $0 } == .medium)
    }
}
