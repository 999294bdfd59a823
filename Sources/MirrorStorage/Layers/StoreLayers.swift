package import CoreMetrics
package import MirrorCore

/// What the layers around a pool's store need to know.
package struct StoreLayers: Sendable {
    package var retry: RetryStore.Policy
    package var limits: TimeoutStore.Limits
    /// At once.
    package var operations: Int

    package init(retry: RetryStore.Policy = .init(), limits: TimeoutStore.Limits = .init(), operations: Int = 64) {
        self.retry = retry
        self.limits = limits
        self.operations = operations
    }

    /// Puts the layers around a store; their order is written here and nowhere else.
    ///
    /// From the outside to the inside:
    /// - retry: whoever waits for another attempt holds no permit;
    /// - limit: the time in which an operation waits for a permit is not the store's, and no time limit runs;
    /// - telemetry: sees each attempt, and what the time limits make of it;
    /// - timeout: the store and nothing else.
    package func around(
        _ store: any ObjectStore, pool: PoolID, clock: any MonotonicClock = SystemClock(),
        factory: any MetricsFactory = MetricsSystem.factory
    ) -> any ObjectStore {
        let timeout = TimeoutStore(store, limits: limits, clock: clock)
        let telemetry = TelemetryStore(timeout, pool: pool, factory: factory)
        let limit = LimitStore(telemetry, operations: operations)
        return RetryStore(limit, policy: retry, clock: clock)
    }
}
