import Foundation
import TestServers
import Testing

@testable import MirrorTracing

@Suite("OTLP in JSON")
struct OTLPEncoderTests {
    private static func context(_ span: String, isSampled: Bool = true) throws -> TraceContext {
        try #require(TraceContext(traceparent: "00-5b8efff798038103d269b633813fc60c-\(span)-0\(isSampled ? 1 : 0)".utf8))
    }

    /// One span with everything, and one with nothing.
    static func spans() throws -> [FinishedSpan] {
        let parent = try context("eee19b7ec3c1b173")
        let full = FinishedSpan(
            context: try context("eee19b7ec3c1b174"), parent: parent.spanID, isParentRemote: true, name: "GET /o/{path}", kind: .server,
            start: 1_544_712_660_000_000_001, end: 1_544_712_661_000_000_000,
            attributes: [
                Attribute(key: "a.text", value: "say \"hi\" / \\ \u{1}\n→"), Attribute(key: "b.yes", value: true),
                Attribute(key: "c.number", value: .integer(.max)), Attribute(key: "d.double", value: .double(0.5)),
                Attribute(key: "e.list", value: .list(["x", 1])), Attribute(key: "f.nan", value: .double(.nan)),
            ], droppedAttributes: 2,
            events: [.init(name: "exception", time: 1_544_712_660_500_000_000, attributes: [Attribute(key: "exception.type", value: "E")])],
            links: [.init(context: try context("eee19b7ec3c1b175", isSampled: false), attributes: [])], status: .error)
        let bare = FinishedSpan(
            context: parent, parent: nil, isParentRemote: false, name: "sweep", kind: .internal, start: 1, end: 1, attributes: [],
            droppedAttributes: 0, events: [], links: [], status: nil)
        return [full, bare]
    }

    static let encoder = OTLPEncoder(resource: [Attribute(key: "service.name", value: "cloud-mirror")], version: "1.2.3")

    private static let expected = #"""
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cloud-mirror"}}]},
        "scopeSpans":[{"scope":{"name":"cloud-mirror","version":"1.2.3"},"spans":[
        {"attributes":[{"key":"a.text","value":{"stringValue":"say \"hi\" / \\ \u0001\n→"}},
        {"key":"b.yes","value":{"boolValue":true}},
        {"key":"c.number","value":{"intValue":"9223372036854775807"}},
        {"key":"d.double","value":{"doubleValue":0.5}},
        {"key":"e.list","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"1"}]}}},
        {"key":"f.nan","value":{"stringValue":"nan"}}],
        "droppedAttributesCount":2,"endTimeUnixNano":"1544712661000000000",
        "events":[{"attributes":[{"key":"exception.type","value":{"stringValue":"E"}}],"name":"exception","timeUnixNano":"1544712660500000000"}],
        "flags":769,"kind":2,
        "links":[{"attributes":[],"flags":0,"spanId":"eee19b7ec3c1b175","traceId":"5b8efff798038103d269b633813fc60c"}],
        "name":"GET /o/{path}","parentSpanId":"eee19b7ec3c1b173","spanId":"eee19b7ec3c1b174","startTimeUnixNano":"1544712660000000001",
        "status":{"code":2},"traceId":"5b8efff798038103d269b633813fc60c"},
        {"attributes":[],"endTimeUnixNano":"1","flags":257,"kind":1,"name":"sweep","spanId":"eee19b7ec3c1b173","startTimeUnixNano":"1",
        "traceId":"5b8efff798038103d269b633813fc60c"}]}]}]}
        """#

    @Test("Spans are written as the protocol says: IDs in hexadecimal, long numbers as strings, enumerations as numbers")
    func document() throws {
        let text = String(decoding: try Self.encoder.encode(try Self.spans()), as: UTF8.self)
        #expect(text == Self.expected.split(separator: "\n").joined())
    }

    private struct Question: Encodable {
        let document: String
    }

    private struct Answer: Decodable, Equatable {
        struct Span: Decodable, Equatable {
            let trace: String
            let span: String
            let parent: String
            let name: String
            let kind: String
            let start: UInt64
            let end: UInt64
            let attributes: Int
            let status: String
            let flags: Int
        }

        let resource: [String: String]
        let spans: [Span]
    }

    @Test("OpenTelemetry's own messages are read from it, with nothing unknown", .enabled(if: PythonPeer.isWanted))
    func peer() async throws {
        let text = String(decoding: try Self.encoder.encode(try Self.spans()), as: UTF8.self)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/otlp_peer.py").path
        let answers: [Answer] = try await PythonPeer(script: script).answers(to: [Question(document: text)])
        let answer = try #require(answers.first)
        let trace = "5b8efff798038103d269b633813fc60c"
        #expect(answer.resource == ["service.name": "cloud-mirror"])
        #expect(
            answer.spans == [
                .init(
                    trace: trace, span: "eee19b7ec3c1b174", parent: "eee19b7ec3c1b173", name: "GET /o/{path}", kind: "SPAN_KIND_SERVER",
                    start: 1_544_712_660_000_000_001, end: 1_544_712_661_000_000_000, attributes: 6, status: "STATUS_CODE_ERROR", flags: 769
                ),
                .init(
                    trace: trace, span: "eee19b7ec3c1b173", parent: "", name: "sweep", kind: "SPAN_KIND_INTERNAL", start: 1, end: 1,
                    attributes: 0, status: "STATUS_CODE_UNSET", flags: 257),
            ])
    }

    @Test("What a collector says that it rejects is read, whatever else it says")
    func rejected() {
        for (text, count) in [
            (#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#, 3), (#"{"partialSuccess":{"rejectedSpans":2}}"#, 2),
            (#"{"partialSuccess":{}}"#, 0), ("{}", 0), ("", 0), ("<html>", 0), (#"{"partialSuccess":{"rejectedSpans":"-1"}}"#, 0),
            (#"{"partialSuccess":{"rejectedSpans":"many"}}"#, 0), ("[]", 0),
        ] {
            #expect(OTLPEncoder.rejected(Array(text.utf8)) == count, "\(text)")
        }
    }
}
