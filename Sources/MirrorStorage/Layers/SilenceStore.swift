package import Logging
package import MirrorCore

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
        case .ask:
            let began = clock.instant
            do {
                let value = try await call()
                silence.ended(isAnswered: true)
                return value
            } catch {
                silence.ended(isAnswered: isAnswer(error, after: began.duration(to: clock.instant)))
                throw error
            }
        case .silent(let startsTrial):
            if startsTrial { Task { silence.trialEnded(isAnswered: await isAnswered(operation, call)) } }
            throw StorageError(.unavailable, "the pool does not answer", operation: operation)
        }
    }

    private func isAnswered(_ operation: String, _ call: @escaping @Sendable () async throws -> some Sendable) async -> Bool {
        let began = clock.instant
        do {
            let alarm = { @Sendable [clock, patience] in try await clock.sleep(for: patience) }
            _ = try await withAlarm(operation, "no answer within \(patience)", alarm: alarm, call)
            return true
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
