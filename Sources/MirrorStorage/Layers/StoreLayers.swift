package import CoreMetrics
package import Logging
package import MirrorCore

/// The settings of the layers around a pool's store.
package struct StoreLayers: Sendable {
    /// The number of simultaneous operations.
    private let operations: Int
    /// How long a call for a client tolerates silence.
    private let patience: Duration

    package init(operations: Int, patience: Duration) {
        self.operations = operations
        self.patience = patience
    }

    /// Wraps a store in the layers; this is the only place that defines their order.
    ///
    /// From the outside to the inside:
    /// - retry: a call that waits for another attempt holds no permit;
    /// - silence: a call to a store that does not answer fails at once. This layer sees each attempt: a store that answers each attempt with
    ///   an error counts as answering, however long the pauses between them;
    /// - limit: while an operation waits for a permit, no time limit runs, because the wait is not the store's fault;
    /// - telemetry: sees each attempt, and the effect of the time limits on it;
    /// - timeout: only the store itself, and only one that does not give up by itself (``TimedStore``).
    package func around(
        _ store: any ObjectStore, pool: PoolID, clock: any MonotonicClock = SystemClock(),
        factory: any MetricsFactory = MetricsSystem.factory, logger: Logger = Logger(label: "cloud-mirror.storage")
    ) -> any ObjectStore {
        let timeout: any ObjectStore = store is any TimedStore ? store : TimeoutStore(store, clock: clock)
        let telemetry = TelemetryStore(timeout, pool: pool, factory: factory)
        let limit = LimitStore(telemetry, operations: operations)
        let silence = SilenceStore(limit, pool: pool, patience: patience, clock: clock, logger: logger)
        return RetryStore(silence, clock: clock)
    }
}
