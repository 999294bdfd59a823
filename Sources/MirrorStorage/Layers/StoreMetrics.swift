import CoreMetrics
import MirrorCore
import NIOCore
import Synchronization

/// The metrics of one pool's store.
package final class StoreMetrics: Sendable {
    package enum Name {
        package static let operationSeconds = "cloud_mirror_store_operation_seconds"
        package static let errors = "cloud_mirror_store_errors_total"
    }

    private struct ErrorLabel: Hashable {
        let operation: StoreOperation
        let code: String
    }

    private let pool: PoolID
    private let factory: any MetricsFactory
    private let timers: [StoreOperation: Timer]
    /// Each is created at the first error of its kind: most never occur, and there are more than a hundred of them.
    private let errors = Mutex<[ErrorLabel: Counter]>([:])

    init(pool: PoolID, factory: any MetricsFactory) {
        self.pool = pool
        self.factory = factory
        timers = Dictionary(
            uniqueKeysWithValues: StoreOperation.allCases.filter { $0 != .space }.map { operation in
                let dimensions = [("pool", pool.description), ("operation", operation.rawValue)]
                return (operation, Timer(label: Name.operationSeconds, dimensions: dimensions, factory: factory))
            })
    }

    func measure<Result>(_ operation: StoreOperation, _ call: () async throws -> Result) async rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            timers[operation]?.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        }
        do {
            return try await call()
        } catch {
            count(error, operation)
            throw error
        }
    }

    /// The same stream, with errors counted.
    func watch(_ body: ByteStream, _ operation: StoreOperation) -> ByteStream {
        ByteStream(WatchedStream(base: body, metrics: self, operation: operation))
    }

    private func count(_ error: any Error, _ operation: StoreOperation) {
        if error is CancellationError { return }
        // According to the protocol, any other error from `write` comes from the part's stream: it is the origin's error, not the store's.
        if operation == .write, !(error is StorageError) { return }
        let label = ErrorLabel(operation: operation, code: (error as? StorageError)?.code.rawValue ?? "other")
        let counter = errors.withLock { errors in
            if let counter = errors[label] { return counter }
            let dimensions = [("pool", pool.description), ("operation", operation.rawValue), ("code", label.code)]
            let counter = Counter(label: Name.errors, dimensions: dimensions, factory: factory)
            errors[label] = counter
            return counter
        }
        counter.increment()
    }

    private struct WatchedStream: AsyncSequence, Sendable {
        let base: ByteStream
        let metrics: StoreMetrics
        let operation: StoreOperation

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: ByteStream.AsyncIterator
            let metrics: StoreMetrics
            let operation: StoreOperation

            mutating func next() async throws -> ByteBuffer? {
                do {
                    return try await base.next()
                } catch {
                    metrics.count(error, operation)
                    throw error
                }
            }
        }

        func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(base: base.makeAsyncIterator(), metrics: metrics, operation: operation)
        }
    }
}
