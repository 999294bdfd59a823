import NIOCore
import Synchronization

/// Callers on any thread leave their commands here, and the event loop takes them in batches.
///
/// It knows whether commands can be sent at all, so that callers can be refused without involving the event loop.
final class Outbox: Sendable {
    /// Commands in the order of their encoded forms in `bytes`.
    struct Batch {
        var bytes = ByteBuffer()
        var commands: [PendingCommand] = []
    }

    enum Submission {
        case refused(RedisError)
        /// The caller has to wake the event loop if `wakes` is `true`.
        case accepted(wakes: Bool)
    }

    private struct Content {
        var batch = Batch()
        var isScheduled = false
        var refusal: RedisError?
        var isClosed = false
    }

    private let content = Mutex(Content())
    private let commandsUnderWay = Atomic<Int>(0)
    private let bytesUnderWay = Atomic<Int>(0)
    private let maxCommands: Int
    private let maxBytes: Int

    init(maxCommands: Int, maxBytes: Int) {
        self.maxCommands = maxCommands
        self.maxBytes = maxBytes
    }

    // MARK: From any thread

    func submit(_ command: PendingCommand) -> Submission {
        content.withLock { submit(command, to: &$0) }
    }

    /// All in one batch.
    ///
    /// - Returns: Which commands were refused, by their index; and whether the caller has to wake the event loop.
    func submit(_ commands: [PendingCommand]) -> (refused: [(index: Int, error: RedisError)], wakes: Bool) {
        content.withLock { content in
            var refused: [(index: Int, error: RedisError)] = []
            var wakes = false
            for index in commands.indices {
                switch submit(commands[index], to: &content) {
                case .refused(let error): refused.append((index, error))
                case .accepted(let isFirst): if isFirst { wakes = true }
                }
            }
            return (refused, wakes)
        }
    }

    private func submit(_ command: PendingCommand, to content: inout Content) -> Submission {
        if let refusal = content.refusal { return .refused(refusal) }
        guard commandsUnderWay.load(ordering: .relaxed) < maxCommands else {
            return .refused(RedisError(.tooManyCommands, "\(maxCommands) commands are already waiting for an answer from Redis"))
        }
        let start = content.batch.bytes.writerIndex
        command.encode(into: &content.batch.bytes)
        let cost = content.batch.bytes.writerIndex - start
        guard bytesUnderWay.load(ordering: .relaxed) + cost <= maxBytes else {
            content.batch.bytes.moveWriterIndex(to: start)
            return .refused(RedisError(.tooManyCommands, "commands of \(maxBytes) bytes are already waiting for an answer from Redis"))
        }
        var command = command
        command.cost = cost
        commandsUnderWay.add(1, ordering: .relaxed)
        bytesUnderWay.add(cost, ordering: .relaxed)
        content.batch.commands.append(command)
        defer { content.isScheduled = true }
        return .accepted(wakes: !content.isScheduled)
    }

    // MARK: From the event loop

    func take() -> Batch {
        content.withLock { content in
            var empty = Batch()
            empty.commands.reserveCapacity(min(content.batch.commands.count, 1024))
            empty.bytes.reserveCapacity(min(content.batch.bytes.readableBytes, 1 << 16))
            content.isScheduled = false
            swap(&empty, &content.batch)
            return empty
        }
    }

    /// - Parameter refusal: The error that callers get at once; `nil` if commands are accepted.
    func refuse(_ refusal: RedisError?) {
        content.withLock { content in
            if !content.isClosed { content.refusal = refusal }
        }
    }

    func close() {
        content.withLock { content in
            content.isClosed = true
            content.refusal = .closed
        }
    }

    /// Counts a command that was not submitted here; limits do not apply to it.
    func admit(_ command: PendingCommand) {
        commandsUnderWay.add(1, ordering: .relaxed)
        bytesUnderWay.add(command.cost, ordering: .relaxed)
    }

    /// Answers a command, and no longer counts it.
    func finish(_ command: PendingCommand, _ result: Result<RedisValue, RedisError>) {
        release(cost: command.cost)
        command.answer(result)
    }

    func fail(_ commands: some Sequence<PendingCommand>, _ error: RedisError) {
        for command in commands { finish(command, .failure(error)) }
    }

    func release(cost: Int) {
        commandsUnderWay.subtract(1, ordering: .relaxed)
        bytesUnderWay.subtract(cost, ordering: .relaxed)
    }
}
