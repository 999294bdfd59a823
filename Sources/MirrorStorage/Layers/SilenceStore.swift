package import Logging
package import MirrorCore
import Synchronization

/// Lets nobody wait for a store that does not answer: what clients wait for (`head` and `location`) fails at once while it is silent.
///
/// See ``Silence``. An error is an answer, unless it is one that only says that none came.
package struct SilenceStore: StoreLayer {
    package let base: any ObjectStore
    private let patience: Duration
    private let clock: any MonotonicClock
    private let heads: Silence
    /// Apart, because they ask somebody else: not the service but whoever has the credentials.
    private let locations: Silence

    /// Trials that are under way or were left behind.
    private let hanging = Trials()

    /// - Parameter patience: How long whoever asks bears silence.
    package init(_ base: any ObjectStore, pool: PoolID, patience: Duration, clock: any MonotonicClock = SystemClock(), logger: Logger) {
        self.base = base
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
            "a pool does not answer; requests that it has to be asked for go to the origin until it does", "a pool answers again")
        locations = silence(
            "a pool's credentials do not come; requests that they have to sign for go to the origin until they do",
            "a pool's credentials come again")
    }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await ask(heads, "silence.head") { [base] in try await base.head(key) }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await ask(locations, "silence.location") { [base] in try await base.location(of: key, life: life) }
    }

    private func ask<Value: Sendable>(
        _ silence: Silence, _ operation: String, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        switch silence.turn() {
        case .ask(let since):
            let began = clock.instant
            do {
                let value = try await call()
                silence.ended(isAnswered: true, since: since)
                return value
            } catch {
                silence.ended(isAnswered: isAnswer(error, after: began.duration(to: clock.instant)), since: since)
                throw error
            }
        case .silent(let startsTrial):
            if startsTrial { Task { silence.trialEnded(isAnswered: await isAnswered(call)) } }
            throw StorageError(.unavailable, "the pool does not answer", operation: operation)
        }
    }

    /// Whether a trial is answered. One that hangs is left behind: what it asks for may hang for as long as nobody looks at the disk.
    private func isAnswered(_ call: @escaping @Sendable () async throws -> some Sendable) async -> Bool {
        guard hanging.begin() else { return false }
        let began = clock.instant
        do {
            let answer = try await leaving(after: patience, by: clock) { [hanging] in
                defer { hanging.end() }
                return try await call()
            }
            return answer != nil
        } catch {
            return isAnswer(error, after: began.duration(to: clock.instant))
        }
    }

    private func isAnswer(_ error: any Error, after time: Duration) -> Bool {
        switch (error as? StorageError)?.code {
        case .timedOut: false
        // A connection that did not come about.
        case .unavailable: time < patience
        case nil: !(error is CancellationError)
        default: true
        }
    }
}

/// Counts trials, of which a few may hang: each may hold a thread.
private final class Trials: Sendable {
    private static let limit = 8

    private let count = Atomic(0)

    func begin() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= Self.limit else {
            end()
            return false
        }
        return true
    }

    func end() { count.subtract(1, ordering: .relaxed) }
}
