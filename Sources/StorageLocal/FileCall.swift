import MirrorCore
import MirrorStorage
import MirrorSystem
import Synchronization

/// A call that runs on a thread for a task. The task may leave before the call ends.
final class FileCall<Value: Sendable>: Sendable {
    private let operation: String
    private let limit: Duration?
    private let message: String?
    private let clock: any MonotonicClock
    /// `nil` once the call has begun, or must not begin any more.
    private let body: Mutex<(@Sendable () throws -> Value)?>
    private let outcome = FirstValue<Result<Value, any Error>>()

    /// - Parameter limit: How long ``value`` waits; `nil` for no limit.
    /// - Parameter message: What is said after that; `nil` for the usual.
    init(
        _ operation: String, within limit: Duration?, saying message: String?, clock: any MonotonicClock,
        _ body: @escaping @Sendable () throws -> Value
    ) {
        self.operation = operation
        self.limit = limit
        self.message = message
        self.clock = clock
        self.body = Mutex(body)
    }

    /// Runs on the thread.
    func run() {
        guard let body = takeBody() else { return }
        do {
            outcome.give(.success(try body()))
        } catch let error as Errno {
            outcome.give(.failure(StorageError(error, operation: operation)))
        } catch {
            outcome.give(.failure(error))
        }
    }

    func fail(_ code: StorageError.Code, _ message: String) {
        outcome.give(.failure(StorageError(code, message, operation: operation)))
    }

    /// The result; to be awaited only once.
    ///
    /// - Throws: `CancellationError` if the task is cancelled: at once if the call has not begun, which it then never does; otherwise when
    ///   ``FileThreads/lastMoment`` has passed. `.timedOut` after the limit; a call that has not begun by then never does.
    var value: Value {
        get async throws {
            let alarm = outcome.isGiven ? nil : limit.map { clock.timer(after: $0) { self.expire() } }
            defer { alarm?.cancel() }
            return try await withTaskCancellationHandler {
                await outcome.value()
            } onCancel: {
                leave()
            }.get()
        }
    }

    private func expire() {
        _ = takeBody()
        fail(.timedOut, message ?? "no answer within \(limit ?? .zero)")
    }

    /// Ends the wait for the result, as if its task were cancelled.
    func leave() {
        guard takeBody() == nil else {
            outcome.give(.failure(CancellationError()))
            return
        }
        Task { [outcome, clock] in
            try? await clock.sleep(for: FileThreads.lastMoment)
            outcome.give(.failure(CancellationError()))
        }
    }

    private func takeBody() -> (@Sendable () throws -> Value)? {
        body.withLock { body in
            defer { body = nil }
            return body
        }
    }
}
