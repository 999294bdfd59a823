/// Runs an operation for as long as somebody waits for it.
///
/// When the time is over, or the calling task is cancelled, the operation is cancelled and the caller leaves; the operation ends by itself as soon as it
/// can, which may be never.
///
/// - Parameter limit: `nil` for no other limit than the caller's task.
/// - Parameter delay: What the operation has to end in after the caller's task was cancelled.
/// - Returns: `nil` when the time was over first.
/// - Throws: What `operation` throws; `CancellationError` when the caller's task was cancelled.
package func leaving<Success: Sendable>(
    after limit: Duration? = nil, afterCancellation delay: Duration = .zero, by clock: any MonotonicClock,
    _ operation: @escaping @Sendable () async throws -> Success
) async throws -> Success? {
    let outcome = FirstValue<Result<Success?, any Error>>()
    let work = Task {
        do {
            outcome.give(.success(try await operation()))
        } catch {
            outcome.give(.failure(error))
        }
    }
    let timer = limit.map { limit in
        Task {
            do {
                try await clock.sleep(for: limit)
                outcome.give(.success(nil))
            } catch {
                // The operation was faster.
            }
        }
    }
    defer {
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
