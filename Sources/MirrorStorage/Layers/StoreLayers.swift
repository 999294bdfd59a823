package import CoreMetrics
package import Logging
package import MirrorCore

/// What the layers around a pool's store need to know.
package struct StoreLayers: Sendable {
    /// At once.
    private let operations: Int
    /// How long whoever asks for a client bears silence.
    private let patience: Duration

    package init(operations: Int, patience: Duration) {
        self.operations = operations
        self.patience = patience
    }

    /// Puts the layers around a store; their order is written here and nowhere else.
    ///
    /// From the outside to the inside:
    /// - retry: whoever waits for another attempt holds no permit;
    /// - silence: whoever would have to wait for a store that does not answer is told at once. It sees each attempt by itself: a store that answers each with
    ///   an error answers, whatever time lies between them;
    /// - limit: the time in which an operation waits for a permit is not the store's, and no time limit runs;
    /// - telemetry: sees each attempt, and what the time limits make of it;
    /// - timeout: the store and nothing else.
    package func around(
        _ store: any ObjectStore, pool: PoolID, clock: any MonotonicClock = SystemClock(),
        factory: any MetricsFactory = MetricsSystem.factory, logger: Logger = Logger(label: "cloud-mirror.storage")
    ) -> any ObjectStore {
        let timeout = TimeoutStore(store, clock: clock)
        let telemetry = TelemetryStore(timeout, pool: pool, factory: factory)
        let limit = LimitStore(telemetry, operations: operations)
        let silence = SilenceStore(limit, pool: pool, patience: patience, clock: clock, logger: logger)
        return RetryStore(silence, clock: clock)
    }
}
