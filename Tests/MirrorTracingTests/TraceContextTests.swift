import Testing

@testable import MirrorTracing

@Suite("Trace context")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test("A valid traceparent is read, and written in the same way")
    func valid() throws {
        for (flags, isSampled) in [("00", false), ("01", true)] {
            let text = "00-\(Self.trace)-\(Self.span)-\(flags)"
            let context = try #require(TraceContext(traceparent: text.utf8))
            #expect("\(context.traceID)" == Self.trace && "\(context.spanID)" == Self.span)
            #expect(context.isSampled == isSampled)
            #expect(context.traceparent == text)
        }
    }

    @Test("Other flags are ignored, and of a later version what this one knows is read")
    func later() {
        #expect(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-ff".utf8)?.isSampled == true)
        #expect(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-fe".utf8)?.isSampled == false)
        #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01".utf8)?.isSampled == true)
        #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01-what-else".utf8)?.isSampled == true)
    }

    @Test(
        "A traceparent that is not valid is none",
        arguments: [
            "", "00", "-", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-",
            "00-\(trace)-\(span)-01-x",
            "00-\(trace)-\(span)-01 ", " 00-\(trace)-\(span)-01", "ff-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01x",
            "0g-\(trace)-\(span)-01",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(span)-01",
            "00_\(trace)_\(span)_01", "00-\(trace)0-\(span)-01", "00-\(trace)-\(span)-0١", "00-\(trace)-00f067aa0ba902bz-01",
            "00-\(trace)-\(span)-0x",
            String(repeating: "0", count: 55), String(repeating: "-", count: 55), String(repeating: "a", count: 10_000),
        ])
    func invalid(_ text: String) {
        #expect(TraceContext(traceparent: text.utf8) == nil)
    }

    @Test("Of random traces the share that is asked for is recorded")
    func ratio() {
        let ids = (0..<4_000).map { _ in TraceID.random() }
        #expect(ids.allSatisfy { $0.isWithin(1) } && !ids.contains { $0.isWithin(0) })
        // Six standard deviations.
        #expect((810...1_190).contains(ids.count { $0.isWithin(0.25) }))
        #expect(Set(ids).count == ids.count)
    }
}
