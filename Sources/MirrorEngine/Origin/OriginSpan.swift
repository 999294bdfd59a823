import MirrorCore
import MirrorTracing

/// The methods of requests to origins.
enum OriginMethod: String {
    case get = "GET"
    case head = "HEAD"
}

/// Sends a request to an origin, as a step of the current trace, up to the head of its answer.
///
/// - SeeAlso: OpenTelemetry, "Semantic conventions for HTTP spans", client.
func tracedRequest<Answer>(
    _ method: OriginMethod, _ url: ArtifactURL, _ range: ByteRange?, status: (Answer) -> Int,
    isolation: isolated (any Actor)? = #isolation, _ send: (MirrorSpan?) async throws -> Answer
) async throws -> Answer {
    try await traced(method.rawValue, .client) { span in
        // Before the request, so that one that fails has it, too.
        span?.describe(method, url, range)
        let answer = try await send(span)
        span?.note(status: status(answer))
        return answer
    }
}

extension MirrorSpan {
    fileprivate func describe(_ method: OriginMethod, _ url: ArtifactURL, _ range: ByteRange?) {
        set("http.request.method", .string(method.rawValue))
        // Without the query, which may hold a signature.
        set("url.full", .string(url.replacingQuery(with: nil).description))
        set("server.address", "\(url.host)")
        set("server.port", .integer(Int64(url.port)))
        guard let range else { return }
        set("cloud_mirror.range.offset", .integer(range.offset))
        set("cloud_mirror.range.length", .integer(range.length))
    }

    fileprivate func note(status: Int) {
        set("http.response.status_code", .integer(Int64(status)))
        if status >= 400 { fail("\(status)") }
    }

    /// What an origin is told of the trace, if it is told anything.
    var originFields: [(name: String, value: String)] {
        tracer.sendsToOrigins ? [(TraceContext.fieldName, traceContext.traceparent)] : []
    }
}
