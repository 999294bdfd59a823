import MirrorStorage
package import NIOPosix
import Synchronization

/// Where blocking calls run: neither an event loop nor Swift's own threads may wait for a disk.
package struct FileThreads: Sendable {
    /// For every local store of the process, and never shut down.
    ///
    /// Many more threads than cores, because they wait for the disk: while copies sync what they wrote, lookups must still get through.
    package static let shared: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 32)
        pool.start()
        return pool
    }()

    let pool: NIOThreadPool

    /// Runs `body`; not at all when the task is cancelled before a thread is free.
    func run<Result: Sendable>(_ operation: String, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do {
            return try await pool.runIfActive(body)
        } catch let error as Errno {
            throw StorageError(error, operation: operation)
        } catch is CancellationError where !Task.isCancelled {
            // What the pool throws once it has shut down.
            throw Self.inactive(operation)
        }
    }

    /// Runs `body` even in a cancelled task: for what cleans up.
    func runAlways(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            startAlways {
                body()
                continuation.resume()
            }
        }
    }

    /// Starts `body`, which nobody waits for; on this thread when the pool has shut down: late cleaning is better than none.
    func startAlways(_ body: @escaping @Sendable () -> Void) {
        pool.submit { _ in body() }
    }

    /// Starts `body` now; its result is asked for later, or never.
    func start<Result: Sendable>(_ operation: String, _ body: @escaping @Sendable () throws -> Result) -> PendingResult<Result> {
        let pending = PendingResult<Result>()
        pool.submit { state in
            guard case .active = state else { return pending.finish(.failure(Self.inactive(operation))) }
            do {
                pending.finish(.success(try body()))
            } catch let error as Errno {
                pending.finish(.failure(StorageError(error, operation: operation)))
            } catch {
                pending.finish(.failure(error))
            }
        }
        return pending
    }

    private static func inactive(_ operation: String) -> StorageError {
        StorageError(.unavailable, "the store is shutting down", operation: operation)
    }
}

/// A result that one thread will have and one task will ask for.
final class PendingResult<Value: Sendable>: Sendable {
    private enum State {
        case running
        case awaited(CheckedContinuation<Value, any Error>)
        case finished(Result<Value, any Error>)
    }

    private let state = Mutex(State.running)

    func finish(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            defer { state = .finished(result) }
            if case .awaited(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(with: result)
    }

    /// To be asked for once.
    var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Value, any Error>? in
                    if case .finished(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        }
    }
}
