import MirrorCore
import StorageCloud
import Synchronization
import TestServers

struct TestCredentials: ExpiringCredentials {
    var id: String
    var expires: Timestamp?
}

/// A source of credentials that gives what a test tells it to, the last answer again and again.
final class ScriptedCredentials: Sendable {
    struct Answer: Sendable {
        var result: Result<TestCredentials, CredentialsError>
        var gate: FakeGate?
    }

    private struct State {
        var answers: [Answer] = []
        var count = 0
    }

    private let state = Mutex(State())

    /// How often it was asked.
    var count: Int { state.withLock { $0.count } }

    func give(_ credentials: TestCredentials, gate: FakeGate? = nil) {
        state.withLock { $0.answers.append(Answer(result: .success(credentials), gate: gate)) }
    }

    func fail(_ message: String, gate: FakeGate? = nil) {
        state.withLock { $0.answers.append(Answer(result: .failure(CredentialsError(.unavailable, message)), gate: gate)) }
    }

    func load() async throws -> TestCredentials {
        let answer = state.withLock { state in
            state.count += 1
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers.first
        }
        guard let answer else { throw CredentialsError(.notFound, "nothing is scripted") }
        try await answer.gate?.wait()
        return try answer.result.get()
    }
}
