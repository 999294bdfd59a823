import Logging
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorTracing
import NIOPosix

/// What records traces, and what sends them to the collector.
struct TraceExport: Sendable {
    let tracer: MirrorTracer
    let exporter: SpanExporter
    private let client: ServiceClient

    init(
        _ configuration: TracingConfiguration, _ outbound: OutboundConfiguration, registry: MetricsRegistry,
        group: MultiThreadedEventLoopGroup, clock: any MirrorClock, logger: Logger
    ) {
        let (queue, metrics) = (SpanQueue(), TraceMetrics(factory: registry))
        client = ServiceClient(configuration: outbound, eventLoopGroup: group, logger: logger)
        tracer = MirrorTracer(configuration, queue: queue, metrics: metrics, clock: clock, errorKind: ErrorKind.of)
        exporter = SpanExporter(
            configuration, queue: queue, collector: Collector(configuration, client: client), metrics: metrics, clock: clock, logger: logger
        )
        tracer.takeFromOthers()
    }

    func close() async {
        await client.shutdown()
    }
}
