import CoreMetrics
import Logging
import MirrorCore
import MirrorNet
import NIOPosix
import ServiceLifecycle
import TestServers
import Tracing

@testable import MirrorTracing

/// A tracer, and an exporter that runs and sends its spans to a collector on this machine, over a real connection.
struct ExportScene: Sendable {
    let clock = ExportClock()
    let counts = SpanCounts()
    let log = LogRecorder(.notice)
    let tracer: MirrorTracer
    private let queue = SpanQueue()
    private let exporter: SpanExporter
    private let client: ServiceClient
    private let group: ServiceGroup

    /// - Parameter spans: Are waiting when the exporter starts.
    /// - Parameter body: Does not return before the exporter has done something.
    static func run(
        to collector: String, spans: Int = 0, headers: [TracingConfiguration.Field] = [],
        _ body: @Sendable (ExportScene) async throws -> Void
    ) async throws {
        let scene = try ExportScene(collector, headers)
        scene.record(spans)
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await scene.group.run() }
                try await body(scene)
                await scene.group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            await scene.client.shutdown()
        } catch {
            await scene.client.shutdown()
            throw error
        }
    }

    private init(_ collector: String, _ headers: [TracingConfiguration.Field]) throws {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = TracingConfiguration(endpoint: try ArtifactURL("\(collector)/v1/traces"))
        configuration.sample = 1
        configuration.headers = headers
        let metrics = TraceMetrics(factory: counts)
        client = ServiceClient(
            configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: silent)
        tracer = MirrorTracer(configuration, queue: queue, metrics: metrics, clock: clock)
        exporter = SpanExporter(
            configuration, queue: queue, collector: Collector(configuration, client: client), metrics: metrics, clock: clock,
            logger: log.logger)
        group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [exporter], logger: silent))
    }

    /// Records so many spans, each a trace of its own.
    func record(_ count: Int) {
        for _ in 0..<count { tracer.begin("a", .server)?.end() }
    }

    /// Stops it, as the process does; what it still does goes on beside the test.
    func shutDown() async {
        await group.triggerGracefulShutdown()
    }

    /// Returns once so many spans were lost.
    func lost(_ count: Int) async throws {
        try await eventually("\(count) spans are lost") { counts[.failed] == count }
    }
}
