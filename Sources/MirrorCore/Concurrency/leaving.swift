/// Runs an operation, and abandons it when nobody waits for it any longer.
///
/// When the time limit has passed, or the calling task is cancelled, the operation is cancelled and the caller leaves; the operation ends as soon
/// as it can, which may be never. An operation that waits for nothing has its result, whatever the limit.
///
/// - Parameter limit: The time limit; `nil` for none.
/// - Parameter delay: How long the operation may take to end after the caller's task was cancelled.
/// - Parameter client: The only client that waits for it; `nil` if there is none, or if others wait as well.
/// - Returns: `nil` if the time limit passed first.
/// - Throws: What `operation` throws; `CancellationError` if the caller's task was cancelled; ``ClientHasLeft`` as soon as the client has left.
package func leaving<Success: Sendable>(
    after limit: Duration? = nil, afterCancellation delay: Duration = .zero, by clock: any MonotonicClock,
    for client: ClientPresence? = nil, _ operation: @escaping @Sendable () async throws -> Success
) async throws -> Success? {
    if client?.hasLeft == true { throw ClientHasLeft() }
    let outcome = FirstValue<Result<Success?, any Error>>()
    let work = startNow {
        do {
            outcome.give(.success(try await operation()))
        } catch {
            outcome.give(.failure(error))
        }
    }
    if outcome.isGiven { return try await outcome.value().get() }
    let timer = limit.map { clock.timer(after: $0) { outcome.give(.success(nil)) } }
    client?.whenLeft { outcome.give(.failure(ClientHasLeft())) }
    defer {
        client?.forget()
        work.cancel()
        timer?.cancel()
    }
    return try await withTaskCancellationHandler {
        await outcome.value()
    } onCancel: {
        work.cancel()
        guard delay > .zero else {
            outcome.give(.failure(CancellationError()))
            return
        }
        Task {
            try? await clock.sleep(for: delay)
            outcome.give(.failure(CancellationError()))
        }
    }.get()
}
