import Synchronization

/// The answers to two commands that one task waits for, so that it is resumed only once.
final class AnswerPair: Sendable {
    private typealias Answer = Result<RedisValue, RedisError>

    private struct State {
        var first: Answer?
        var second: Answer?
    }

    private let state = Mutex(State())
    private let continuation: AnswerContinuation

    /// - Parameter continuation: Gets both values as an array, or the error of the first command that has one.
    init(_ continuation: AnswerContinuation) {
        self.continuation = continuation
    }

    /// Takes one answer of each; the second one of the two resumes the task.
    func give(_ answer: Result<RedisValue, RedisError>, isFirst: Bool) {
        let both = state.withLock { state -> (Answer, Answer)? in
            if isFirst { state.first = answer } else { state.second = answer }
            guard let first = state.first, let second = state.second else { return nil }
            return (first, second)
        }
        guard let (first, second) = both else { return }
        continuation.resume(returning: first.flatMap { first in second.map { RedisValue.array([first, $0]) } })
    }
}
