import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// `tracing`, with a collector that remembers what it gets.
    @Suite(.timeLimit(.minutes(2)))
    struct TraceTests {
        private struct Document: Decodable {
            let resourceSpans: [ResourceSpans]

            struct ResourceSpans: Decodable {
                let resource: Resource
                let scopeSpans: [ScopeSpans]
            }

            struct Resource: Decodable {
                let attributes: [Attribute]
            }

            struct ScopeSpans: Decodable {
                let spans: [Span]
            }
        }

        private struct Span: Decodable {
            let traceId: String
            let spanId: String
            let parentSpanId: String?
            let name: String
            let kind: Int
            let startTimeUnixNano: String
            let endTimeUnixNano: String
            let attributes: [Attribute]

            subscript(_ key: String) -> String? { attributes.first { $0.key == key }?.value.text }
            var start: Int64 { Int64(startTimeUnixNano) ?? 0 }
            var end: Int64 { Int64(endTimeUnixNano) ?? 0 }
        }

        private struct Attribute: Decodable {
            let key: String
            let value: Value

            struct Value: Decodable {
                let stringValue: String?
                let intValue: String?
                var text: String? { stringValue ?? intValue }
            }
        }

        private static let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
        private static let callerID = "00f067aa0ba902b7"
        private static let traceparent = "00-\(traceID)-\(callerID)-01"
        private static let collectorToken = "a-token-for-the-collector"

        private func settings(_ origin: FakeOrigin, _ collector: String, _ more: String = "") -> MirrorSettings {
            var settings = MirrorSettings(allow: [origin.url("/")])
            settings.more = ["tracing: {endpoint: \"\(collector)\", sample: 0\(more)}"]
            return settings
        }

        @Test("The spans of a cold request arrive in the trace of its client, each below what it is a step of, and without a secret")
        func cold() async throws {
            let files = try TemporaryDirectory()
            let headers = try files.write("X-Collector-Token: \(Self.collectorToken)\n", to: "headers")
            try await ScriptedServer.run({ _ in .init(body: "{}") }) { collector in
                try await FakeOrigin.run { origin async throws in
                    origin.on("/a.bin", .generated(size: 2_500_000, seed: 91))
                    let settings = settings(
                        origin, collector.url,
                        ", headersFile: \(headers), sendToOrigins: true, serviceName: a-mirror, attributes: {deployment.environment.name: test}"
                    )
                    let artifact = origin.url("/a.bin?token=a-secret-of-a-test")
                    try await MirrorProcess.run(settings) { mirror async throws in
                        let answer = try await mirror.send(
                            .GET, "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(artifact))",
                            headers: [
                                "traceparent": Self.traceparent, "User-Agent": "a-test", "Authorization": "Bearer a-secret-of-a-client",
                                "Cookie": "a-secret-of-a-client",
                            ])
                        #expect(answer.outcome == "wait")
                        #expect(try await mirror.follow(answer).body.count == 2_500_000)
                        // Says nothing of a trace, and with `sample: 0` has none.
                        #expect(try await mirror.redirect(artifact).outcome == "hit")
                        #expect(try await mirror.end(.terminate) == .code(0))
                    }
                    try check(collector.requests, of: origin)
                }
            }
        }

        private func check(_ requests: [ScriptedServer.Request], of origin: FakeOrigin) throws {
            #expect(!requests.isEmpty && requests.allSatisfy { $0.method == "POST" && $0.uri == "/v1/traces" })
            #expect(requests.allSatisfy { $0.header("X-Collector-Token") == Self.collectorToken })
            for secret in ["a-secret", "token=", "an-admin-token", Self.collectorToken] {
                #expect(!requests.contains { $0.body.contains(secret) }, "\(secret)")
            }
            let groups = try requests.flatMap { try JSONDecoder().decode(Document.self, from: Data($0.bytes)).resourceSpans }
            for group in groups {
                let known = Dictionary(group.resource.attributes.map { ($0.key, $0.value.text) }) { first, _ in first }
                #expect(known["service.name"] == "a-mirror")
                #expect(known["deployment.environment.name"] == "test")
            }
            let spans = groups.flatMap(\.scopeSpans).flatMap(\.spans)
            func only(_ name: String) throws -> Span {
                let found = spans.filter { $0.name == name }
                #expect(found.count == 1, "\(name) of \(spans.map(\.name))")
                return try #require(found.first)
            }
            let request = try only("GET /v1/redirect/{artifact}")
            let (state, pool, wait) = try (only("lookup in state"), only("lookup in pool"), only("wait"))
            let (copy, upload, publish) = try (only("copy"), only("upload"), only("publish"))
            let fetches = spans.filter { $0.name == "GET" }
            #expect(fetches.count == origin.requests.count)

            #expect(spans.allSatisfy { $0.traceId == Self.traceID })
            #expect(Set(spans.map(\.spanId)).count == spans.count)
            #expect(request.parentSpanId == Self.callerID)
            for step in [state, pool, wait] { #expect(step.parentSpanId == request.spanId, "\(step.name)") }
            // What has asked for it.
            #expect(copy.parentSpanId == pool.spanId)
            for step in [upload, publish] { #expect(step.parentSpanId == copy.spanId, "\(step.name)") }
            // The first part is of the copy, before there is anything to upload.
            #expect(fetches.count { $0.parentSpanId == copy.spanId } == 1)
            #expect(fetches.allSatisfy { [copy.spanId, upload.spanId].contains($0.parentSpanId) })
            // Server, and client.
            #expect(request.kind == 2)
            #expect(fetches.allSatisfy { $0.kind == 3 })
            for span in spans { #expect(request.start <= span.start && span.start <= span.end, "\(span.name)") }

            #expect(request["http.response.status_code"] == "302")
            #expect(request["cloud_mirror.outcome"] == "wait")
            #expect(request["user_agent.original"] == "a-test")
            #expect(copy["cloud_mirror.bytes"] == "2500000")
            #expect(fetches.allSatisfy { $0["url.full"] == origin.url("/a.bin") })
            // What the origin was told names these spans.
            let told = Set(fetches.map { "00-\(Self.traceID)-\($0.spanId)-01" })
            #expect(Set(origin.requests.compactMap { $0.header("traceparent") }) == told)
        }

        @Test("A collector that says nothing delays no request, and the end by no more than its limit")
        func silentCollector() async throws {
            try await SilentServer.run { collector async throws in
                try await FakeOrigin.run { origin async throws in
                    origin.on("/a.bin", .generated(size: 20_000, seed: 92))
                    let settings = settings(origin, "http://127.0.0.1:\(collector.port)", ", askedPerSecond: 100")
                    try await MirrorProcess.run(settings) { mirror async throws in
                        let path = "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(origin.url("/a.bin")))"
                        for number in 0..<600 {
                            let answer = try await mirror.send(.GET, path, headers: ["traceparent": Self.traceparent])
                            #expect(answer.outcome == (number == 0 ? "wait" : "hit"))
                        }
                        try await eventually("a batch is sent") { collector.connectionCount > 0 }
                        #expect(try await mirror.end(.terminate) == .code(0))
                        #expect(!mirror.log.contains("did not end in time") && !mirror.log.contains("did not stop in time"))
                        #expect(mirror.log.contains("spans cannot be exported"))
                    }
                }
            }
        }
    }
}
