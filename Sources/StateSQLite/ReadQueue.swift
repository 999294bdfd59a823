import DequeModule
import Dispatch
import Synchronization

/// Makes reads in the order in which they arrive, as many at the same time as there are connections for them.
///
/// GRDB changes threads twice for each read that does not block its caller: to wait for a connection, and to read. Here there is always a connection,
/// and a thread that has read takes the next read that waits.
final class ReadQueue: Sendable {
    typealias Read = @Sendable () -> Void

    private struct State {
        var waiting = Deque<Read>()
        /// The numbers of the queues that have nothing to do; the last one was the last to become idle.
        var idle: [Int]
    }

    /// Serial ones, which do not take threads from Swift's tasks while a read waits for the disk.
    private let queues: [DispatchQueue]
    private let state: Mutex<State>

    /// - Parameter limit: How many reads are made at the same time.
    init(limit: Int) {
        queues = (0..<limit).map { DispatchQueue(label: "cloud-mirror.state.read.\($0)") }
        state = Mutex(State(idle: Array(0..<limit)))
    }

    /// Calls `read` on another thread, which it may block.
    func add(_ read: @escaping Read) {
        let idle = state.withLock { state in
            state.waiting.append(read)
            return state.idle.popLast()
        }
        guard let idle else { return }
        queues[idle].async { [self] in
            while let read = next(for: idle) { read() }
        }
    }

    /// - Returns: `nil` if no read waits: then the queue is idle.
    private func next(for queue: Int) -> Read? {
        state.withLock { state in
            guard let read = state.waiting.popFirst() else {
                state.idle.append(queue)
                return nil
            }
            return read
        }
    }
}
