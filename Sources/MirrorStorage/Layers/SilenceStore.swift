package import Logging
package import MirrorCore
import Synchronization

/// Makes calls to a store that does not answer fail at once: while the store is silent, no new operation is started.
///
/// See ``Silence``. The calls that clients wait for show whether it is silent: `head`, `openFile` and `get`; and, separately, `location`, which
/// does not query the service but the source of the credentials. An error is an answer, unless it only says that there was none. A silent store is
/// probed, so that no request is needed to find out that it answers again.
///
/// It also limits the calls in progress, because their callers may have left long ago.
package struct SilenceStore: StoreLayer {
    /// The cause of the error for a call that was not made; a retry a moment later would be useless.
    struct Refusal: Error {}

    package let base: any ObjectStore
    private let patience: Duration
    private let clock: any MonotonicClock
    private let heads: Silence
    private let locations: Silence
    private let calls: CallCount
    /// Probes that are in progress or abandoned: each may occupy a thread.
    private let trials = CallCount(limit: 8)

    /// The pause between two probes.
    private static let pause = Duration.seconds(1)

    /// - Parameter patience: How long callers tolerate silence.
    /// - Parameter maxCalls: The maximum number of simultaneous calls among those that show whether it is silent.
    package init(
        _ base: any ObjectStore, pool: PoolID, patience: Duration, maxCalls: Int = 10_000, clock: any MonotonicClock = SystemClock(),
        logger: Logger
    ) {
        self.base = base
        calls = CallCount(limit: maxCalls)
        self.patience = patience
        self.clock = clock
        func silence(_ silent: String, _ back: String) -> Silence {
            Silence(patience: patience, clock: clock) { isSilent in
                if isSilent {
                    logger.error("\(silent)", metadata: ["pool": "\(pool)", "seconds": .stringConvertible(patience.inSeconds)])
                } else {
                    logger.notice("\(back)", metadata: ["pool": "\(pool)"])
                }
            }
        }
        heads = silence(
            "a pool does not answer; requests that need it are redirected to the origin until it does", "a pool answers again")
        locations = silence(
            "a pool's credentials do not arrive; requests that need a signature are redirected to the origin until they do",
            "a pool's credentials arrive again")
    }

    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        switch operation {
        case .head, .get, .openFile: return try await ask(heads, operation, body)
        case .location: return try await ask(locations, operation, body)
        case .beginUpload, .delete, .list: if heads.isSilent { throw Self.refused(operation) }
        default: break
        }
        return try await body()
    }

    private static func refused(_ operation: StoreOperation, _ why: String = "the pool does not answer") -> StorageError {
        StorageError(.unavailable, why, operation: "silence.\(operation.name)", cause: Refusal())
    }

    // MARK: Asking

    private func ask<Value: Sendable>(
        _ silence: Silence, _ operation: StoreOperation, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        switch silence.turn() {
        case .ask(let since):
            let began = clock.instant
            do {
                let value = try await counted(operation, call)
                _ = silence.ended(isAnswered: true, since: since)
                return value
            } catch {
                let isAnswered = isAnswer(error, after: began.duration(to: clock.instant))
                if let news = silence.ended(isAnswered: isAnswered, since: since) { tryUntilAnswered(silence, news, call) }
                throw error
            }
        case .silent(let news):
            if let news { tryUntilAnswered(silence, news, call) }
            throw Self.refused(operation)
        }
    }

    private func counted<Value: Sendable>(_ operation: StoreOperation, _ call: () async throws -> Value) async throws -> Value {
        guard calls.begin() else { throw Self.refused(operation, "too many calls to the pool are in progress") }
        defer { calls.end() }
        return try await call()
    }

    /// - Parameter number: The number of the silence that has just begun.
    private func tryUntilAnswered(_ silence: Silence, _ number: Int, _ call: @escaping @Sendable () async throws -> some Sendable) {
        Task {
            while silence.lasts(number) {
                if await isAnswered(call) { return silence.answered() }
                do { try await clock.sleep(for: Self.pause) } catch { return }
            }
        }
    }

    /// Whether a probe is answered. A probe that hangs is abandoned.
    private func isAnswered(_ call: @escaping @Sendable () async throws -> some Sendable) async -> Bool {
        guard trials.begin() else { return false }
        let began = clock.instant
        do {
            let answer = try await leaving(after: patience, by: clock) { [trials] in
                defer { trials.end() }
                return try await call()
            }
            return answer != nil
        } catch {
            return isAnswer(error, after: began.duration(to: clock.instant))
        }
    }

    private func isAnswer(_ error: any Error, after time: Duration) -> Bool {
        guard let error = error as? StorageError else { return !(error is CancellationError) }
        return switch error.code {
        case .timedOut: false
        // The connection failed, or the call was not made.
        case .unavailable: time < patience && !(error.cause is Refusal)
        default: true
        }
    }
}

/// Counts the calls in progress, up to a limit.
private final class CallCount: Sendable {
    private let limit: Int
    private let count = Atomic(0)

    init(limit: Int) {
        self.limit = limit
    }

    func begin() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            end()
            return false
        }
        return true
    }

    func end() { count.subtract(1, ordering: .relaxed) }
}
