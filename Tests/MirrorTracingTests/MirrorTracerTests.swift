import CoreMetrics
import MirrorCore
import MirrorTesting
import Testing
import Tracing

@testable import MirrorTracing

@Suite("The tracer", .timeLimit(.minutes(1)))
struct MirrorTracerTests {
    private let clock = ManualClock()
    private let queue = SpanQueue()
    private let metrics = TraceMetrics(factory: NOOPMetricsHandler.instance)

    private func configuration(sample: Double = 1, asked: Int = 10) throws -> TracingConfiguration {
        var configuration = TracingConfiguration(endpoint: try ArtifactURL("http://127.0.0.1:4318/v1/traces"))
        configuration.sample = sample
        configuration.askedPerSecond = asked
        return configuration
    }

    private func tracer(sample: Double = 1, asked: Int = 10) throws -> MirrorTracer {
        MirrorTracer(try configuration(sample: sample, asked: asked), queue: queue, metrics: metrics, clock: clock)
    }

    @Test("Steps of a task are children of what it works for, and without a trace they only run")
    func steps() async throws {
        #expect(await traced("none") { $0 == nil })
        let root = try #require(try tracer().begin("root", .server))
        await root.during {
            await traced("outer") { _ in await traced("inner", .client) { $0?.set("a", 1) } }
        }
        let spans = queue.take()
        #expect(spans.map(\.name) == ["inner", "outer", "root"])
        #expect(spans.map(\.parent) == [spans[1].context.spanID, spans[2].context.spanID, nil])
        #expect(Set(spans.map(\.context.traceID)).count == 1)
    }

    @Test("A caller's flag is respected, up to the limit, and comes back with time")
    func callers() throws {
        let tracer = try tracer(sample: 1, asked: 1)
        let caller = try #require(TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".utf8))
        let unsampled = TraceContext(traceID: caller.traceID, spanID: caller.spanID, isSampled: false)
        #expect(tracer.begin("a", .server, calledBy: unsampled) == nil)
        for number in 0..<20 { #expect((tracer.begin("a", .server, calledBy: caller) != nil) == (number < 10)) }
        clock.advance(by: .seconds(1))
        #expect(tracer.begin("a", .server, calledBy: caller)?.traceContext.traceID == caller.traceID)
        #expect(tracer.begin("a", .server, calledBy: caller) == nil)
    }

    @Test("A span has a bounded number of attributes, and says how many were left out")
    func attributes() throws {
        let root = try #require(try tracer().begin("root", .server))
        for number in 10..<50 { root.set("key\(number)", .integer(Int64(number))) }
        root.end()
        let span = try #require(queue.take().first)
        #expect(span.attributes.map(\.key) == (10..<42).map { "key\($0)" })
        #expect(span.droppedAttributes == 8)
    }

    @Test("No span ends before it began, even if the clock was set back in the meantime")
    func clockSetBack() throws {
        let root = try #require(try tracer().begin("root", .server))
        let start = DefaultTracerClock.now.nanosecondsSinceEpoch + 3_600_000_000_000
        let step = try #require(root.step("step", at: start))
        step.end()
        let span = try #require(queue.take().first)
        #expect(span.start == start)
        #expect(span.end == start)
    }

    @Test("A trace has a bounded number of spans, and a full queue takes no more")
    func bounds() throws {
        let tracer = try tracer()
        let root = try #require(tracer.begin("root", .server))
        #expect((0..<200).count { _ in root.step("GET", .client) != nil } == 64)
        #expect((0..<200).count { _ in root.step("other") != nil } == 64)
        for _ in 0..<3_000 { tracer.begin("root", .server)?.end() }
        var taken = 0
        while case let batch = queue.take(), !batch.isEmpty { taken += batch.count }
        #expect(taken == SpanQueue.capacity)
    }
}
