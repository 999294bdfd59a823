import NIOCore

/// A command in progress, and the caller that waits for its answer.
struct PendingCommand {
    var command: RedisCommand
    /// The script that `command` calls by its digest.
    var script: RedisScript?
    /// Whether the server is to report later changes of the key that is read.
    var isTracked: Bool
    /// Whether a server of a cluster is to answer although the slot is still moving to it. Not together with `isTracked`: each of the two
    /// would make the server forget the other.
    var isAsking = false
    /// When the caller gets an error instead of an answer.
    var deadline: NIODeadline
    /// How often it was sent without being carried out.
    var retries = 0
    /// Its encoded size in bytes, as counted by the outbox.
    var cost = 0
    let answer: Answer

    enum Answer: Sendable {
        case task(AnswerContinuation)
        /// One of several commands that a task waits for.
        case item(AnswerList, index: Int)
        /// Called on the event loop.
        case callback(@Sendable (Result<RedisValue, RedisError>) -> Void)

        func callAsFunction(_ result: Result<RedisValue, RedisError>) {
            switch self {
            case .task(let continuation): continuation.resume(returning: result)
            case .item(let list, let index): list.give(result, at: index)
            case .callback(let callback): callback(result)
            }
        }
    }

    func encode(into bytes: inout ByteBuffer) {
        if isAsking {
            bytes.writeStaticString("*1\r\n$6\r\nASKING\r\n")
        } else if isTracked {
            bytes.writeStaticString("*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n")
        }
        bytes.write(command)
    }

    /// The same with the whole script, for a server that does not know its digest; `nil` if there is no script, or it was sent already.
    func withWholeScript() -> PendingCommand? {
        guard let script else { return nil }
        var whole = self
        whole.script = nil
        whole.command.words.replaceSubrange(0..<2, with: [.text("EVAL"), .text(script.source)])
        return whole
    }
}

// Checked where that costs no performance: a command that is never answered, or answered twice, is a mistake of this module.
#if DEBUG
    typealias AnswerContinuation = CheckedContinuation<Result<RedisValue, RedisError>, Never>
    func withAnswerContinuation(_ body: (AnswerContinuation) -> Void) async -> Result<RedisValue, RedisError> {
        await withCheckedContinuation(body)
    }
#else
    typealias AnswerContinuation = UnsafeContinuation<Result<RedisValue, RedisError>, Never>
    func withAnswerContinuation(_ body: (AnswerContinuation) -> Void) async -> Result<RedisValue, RedisError> {
        await withUnsafeContinuation(body)
    }
#endif
