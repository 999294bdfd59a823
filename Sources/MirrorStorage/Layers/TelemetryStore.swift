package import CoreMetrics
package import MirrorCore

/// Counts and times the calls to a store.
///
/// Metrics, created once for each pool: the timer `cloud_mirror_store_operation_seconds` (`pool`, `operation`) for every call, even a failed one; the
/// counter `cloud_mirror_store_errors_total` (`pool`, `operation`, `code`), also for errors within a body. A cancelled call is not an error.
package struct TelemetryStore: StoreLayer {
    package let base: any ObjectStore
    private let metrics: StoreMetrics

    package init(_ base: any ObjectStore, pool: PoolID, factory: any MetricsFactory = MetricsSystem.factory) {
        self.base = base
        metrics = StoreMetrics(pool: pool, factory: factory)
    }

    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Called for each request of the metrics.
        if operation == .space { return try await body() }
        return try await metrics.measure(operation, body)
    }

    package func around(_ upload: any ObjectUpload) -> any ObjectUpload { MeasuredUpload(base: upload, metrics: metrics) }

    package func around(_ body: ByteStream) -> ByteStream { metrics.watch(body, .get) }
}

private struct MeasuredUpload: UploadLayer {
    let base: any ObjectUpload
    let metrics: StoreMetrics

    func call<Value: Sendable>(_ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await metrics.measure(operation, body)
    }

    func around(_ body: ByteStream) -> ByteStream { metrics.watch(body, .read) }

    func abort() async {
        await metrics.measure(.abort) { await base.abort() }
    }
}
