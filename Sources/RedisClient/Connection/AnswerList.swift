import Synchronization

/// The answers to several commands that one task waits for, so that it is resumed only once.
final class AnswerList: Sendable {
    private struct State {
        var values: [RedisValue]
        /// How many answers are still to come.
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: AnswerContinuation

    /// - Parameter count: How many commands there are; 1 or more.
    /// - Parameter continuation: Gets all values as an array, with an error in the place of an answer that is missing.
    init(_ count: Int, _ continuation: AnswerContinuation) {
        state = Mutex(State(values: Array(repeating: .null, count: count), missing: count))
        self.continuation = continuation
    }

    /// Takes one answer of each command; the last one resumes the task.
    func give(_ answer: Result<RedisValue, RedisError>, at index: Int) {
        let all = state.withLock { state -> [RedisValue]? in
            switch answer {
            case .success(let value): state.values[index] = value
            case .failure(let error): state.values[index] = .error(error)
            }
            state.missing -= 1
            return state.missing == 0 ? state.values : nil
        }
        if let all { continuation.resume(returning: .success(.array(all))) }
    }
}
