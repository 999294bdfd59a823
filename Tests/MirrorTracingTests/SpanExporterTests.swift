import MirrorCore
import MirrorSettings
import TestServers
import Testing

@testable import MirrorTracing

/// With real connections to collectors of every kind.
@Suite("The exporter of spans", .timeLimit(.minutes(1)))
struct SpanExporterTests {
    private static let batch = SpanQueue.batch

    /// An answer of a collector, and what is to become of a batch.
    struct Case: Sendable, CustomTestStringConvertible {
        let answer: ScriptedServer.Answer
        var exported = 0
        var requests = 1

        var testDescription: String { "\(answer.status) \(answer.headers.first?.value ?? "") \(answer.body)" }
    }

    private static let cases: [Case] = [
        Case(answer: .init(body: "{}"), exported: batch),
        Case(answer: .init(body: ""), exported: batch),
        Case(answer: .init(body: "<html>not JSON</html>"), exported: batch),
        Case(answer: .init(body: #"{"partialSuccess":{"rejectedSpans":"12","errorMessage":"too old"}}"#), exported: batch - 12),
        Case(answer: .init(body: #"{"partialSuccess":{"rejectedSpans":12}}"#), exported: batch - 12),
        Case(answer: .init(body: #"{"partialSuccess":{"rejectedSpans":"5000"}}"#), exported: 0),
        Case(answer: .init(body: #"{"partialSuccess":{"rejectedSpans":"-3"}}"#), exported: batch),
        Case(answer: .init(body: #"{"partialSuccess":{"rejectedSpans":"99999999999999999999"}}"#), exported: batch),
        // What the specification says is not to be sent again.
        Case(answer: .init(status: 400)), Case(answer: .init(status: 401)), Case(answer: .init(status: 500)),
        // Redirects are not followed.
        Case(answer: .init(status: 307, headers: [("Location", "/elsewhere")])),
        Case(answer: .init(status: 429), requests: SpanExporter.maxAttempts),
        Case(answer: .init(status: 502), requests: SpanExporter.maxAttempts),
        Case(answer: .init(status: 503), requests: SpanExporter.maxAttempts),
        Case(answer: .init(status: 504), requests: SpanExporter.maxAttempts),
        // An hour is not waited for.
        Case(answer: .init(status: 503, headers: [("Retry-After", "3600")])),
        Case(answer: .init(status: 429, headers: [("Retry-After", "soon")]), requests: SpanExporter.maxAttempts),
    ]

    @Test("What becomes of spans follows from the collector's answer, and each span is counted once", arguments: cases)
    func answers(_ wanted: Case) async throws {
        try await ScriptedServer.run({ _ in wanted.answer }) { collector in
            try await ExportScene.run(to: collector.url, spans: Self.batch) { scene in
                try await eventually("the batch is done with") { scene.counts[.exported] + scene.counts[.failed] == Self.batch }
                #expect(scene.counts[.exported] == wanted.exported)
                #expect(scene.counts[.dropped] == 0)
                #expect(collector.requests.count == wanted.requests)
                #expect(scene.clock.pauses.count == wanted.requests - 1)
                let lines = wanted.exported == Self.batch ? 0 : 1
                try await eventually("a loss is logged once") { scene.log.all.count == lines }
            }
        }
    }

    @Test("Pauses grow, and are at least as long as the collector asks for")
    func pauses() async throws {
        try await ScriptedServer.run({ _ in .init(status: 429) }) { collector in
            try await ExportScene.run(to: collector.url, spans: Self.batch) { scene in
                try await scene.lost(Self.batch)
                let pauses = scene.clock.pauses
                #expect(pauses.count == 4)
                for (pause, longest) in zip(pauses, [1, 2, 4, 8]) {
                    #expect((Duration.seconds(longest) / 2...Duration.seconds(longest)).contains(pause), "\(pauses)")
                }
            }
        }
        try await ScriptedServer.run({ _ in .init(status: 429, headers: [("Retry-After", "9")]) }) { collector in
            try await ExportScene.run(to: collector.url, spans: Self.batch) { scene in
                try await scene.lost(Self.batch)
                #expect(scene.clock.pauses == Array(repeating: .seconds(9), count: 4))
            }
        }
    }

    @Test("A batch that fails once is sent again as it was, and arrives")
    func again() async throws {
        let answers = Countdown(1)
        try await ScriptedServer.run({ _ in answers.next() ? .init(status: 503) : .init(body: "{}") }) { collector in
            try await ExportScene.run(to: collector.url, spans: Self.batch) { scene in
                try await eventually("they arrive") { scene.counts[.exported] == Self.batch }
                #expect(collector.requests.count == 2)
                #expect(collector.requests[0].bytes == collector.requests[1].bytes)
                #expect(scene.counts[.failed] == 0)
                #expect(scene.log.all == [])
            }
        }
    }

    @Test("A collector that is down costs its spans, and one line in the log until it is back")
    func down() async throws {
        let port = try await FreePort.next()
        try await ExportScene.run(to: "http://127.0.0.1:\(port)", spans: 2 * Self.batch) { scene in
            try await scene.lost(2 * Self.batch)
            #expect(scene.clock.pauses.count == 8)
            try await eventually("that is logged") { scene.log.all.count == 1 }
            #expect(scene.log.all.first?.hasPrefix("warning spans cannot be exported") == true)
        }
        let answers = Countdown(1)
        try await ScriptedServer.run({ _ in answers.next() ? .init(status: 400) : .init(body: "{}") }) { collector in
            try await ExportScene.run(to: collector.url, spans: 2 * Self.batch) { scene in
                try await eventually("the second batch arrives") { scene.counts[.exported] == Self.batch }
                #expect(scene.counts[.failed] == Self.batch)
                try await eventually("that is logged") { scene.log.all.count == 2 }
                #expect(scene.log.all.last?.hasPrefix("notice spans are exported again") == true)
            }
        }
    }

    @Test(
        "What is not HTTP is an answer that does not come, and so is a connection that ends",
        arguments: [
            Array("SSH-2.0-nonsense\r\n".utf8), Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort".utf8), [0, 1, 2, 0xFF], [],
        ])
    func garbage(_ bytes: [UInt8]) async throws {
        try await FakeOrigin.run { collector async throws in
            collector.on("/v1/traces", FakeBehavior().with { $0.raw = bytes })
            try await ExportScene.run(to: collector.url(""), spans: Self.batch) { scene in
                try await scene.lost(Self.batch)
                #expect(collector.requests.count == SpanExporter.maxAttempts)
                #expect(scene.counts[.exported] == 0)
            }
        }
    }

    @Test("An answer that does not come is waited for only so long")
    func slow() async throws {
        try await FakeOrigin.run { collector async throws in
            let gate = FakeGate()
            collector.on("/v1/traces", FakeBehavior.text("{}").with { $0.gate = gate })
            try await ExportScene.run(to: collector.url(""), spans: Self.batch) { scene in
                for number in 1...SpanExporter.maxAttempts {
                    _ = try await collector.request(number, for: "/v1/traces")
                    await scene.clock.pass(SpanExporter.requestLimit)
                }
                try await scene.lost(Self.batch)
                #expect(collector.requests.count == SpanExporter.maxAttempts)
            }
        }
    }

    @Test("Behind a collector that says nothing a bounded number of spans waits, and a shutdown leaves it after its limit")
    func silent() async throws {
        try await FakeOrigin.run { collector async throws in
            collector.on("/v1/traces", FakeBehavior.text("{}").with { $0.gate = FakeGate() })
            try await ExportScene.run(to: collector.url(""), spans: Self.batch) { scene in
                _ = try await collector.request(for: "/v1/traces")
                // Does not wait for anything: the queue is full, and the rest is dropped.
                scene.record(10_000)
                #expect(scene.counts[.dropped] == 10_000 - SpanQueue.capacity)
                await scene.shutDown()
                // Beside that of the request.
                await scene.clock.pass(SpanExporter.flushLimit, among: 2)
                try await scene.lost(Self.batch)
                try await eventually("what waits is dropped") { scene.counts[.dropped] == 10_000 }
                #expect(scene.counts[.exported] == 0)
                #expect(collector.requests.count == 1)
            }
        }
    }

    @Test("A shutdown sends what is there, once")
    func flush() async throws {
        for (answer, exported) in [(ScriptedServer.Answer(body: "{}"), 3), (ScriptedServer.Answer(status: 429), 0)] {
            try await ScriptedServer.run({ _ in answer }) { collector in
                try await ExportScene.run(to: collector.url) { scene in
                    // Once it waits for spans.
                    await scene.clock.waiting()
                    scene.record(3)
                    await scene.shutDown()
                    try await eventually("they are done with") { scene.counts[.exported] + scene.counts[.failed] == 3 }
                    #expect(scene.counts[.exported] == exported)
                    #expect(collector.requests.count == 1)
                    #expect(scene.clock.pauses == [])
                }
            }
        }
    }

    @Test("Spans are sent after a while although there are few, with the configured header fields, and with their parents")
    func few() async throws {
        let token = TracingConfiguration.Field(name: "X-Token", value: Secret("a-token-of-a-test"))
        try await ScriptedServer.run({ _ in .init(body: "{}") }) { collector in
            try await ExportScene.run(to: collector.url, headers: [token]) { scene in
                await scene.clock.waiting()
                let root = try #require(scene.tracer.begin("root", .server))
                await root.during { await traced("step") { _ in } }
                await scene.clock.pass(SpanExporter.interval)
                try await eventually("they arrive") { scene.counts[.exported] == 2 }
                let request = try #require(collector.requests.first)
                #expect(request.method == "POST")
                #expect(request.uri == "/v1/traces")
                #expect(request.header("Content-Type") == "application/json")
                #expect(request.header("X-Token") == "a-token-of-a-test")
                #expect(request.body.contains(#""parentSpanId":"\#(root.traceContext.spanID)""#))
                #expect(!request.body.contains("a-token-of-a-test"))
            }
        }
    }
}
