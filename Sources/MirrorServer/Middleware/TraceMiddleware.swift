import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorTracing

/// Records requests for artifacts and pages, those that are to be traced. Requests that are answered from memory do not get here.
///
/// - SeeAlso: OpenTelemetry, "Semantic conventions for HTTP spans", server.
struct TraceMiddleware: RouterMiddleware {
    let tracer: MirrorTracer
    let selector: Reloadable<PoolSelector>
    let isTLS: Bool

    func handle(
        _ request: Request, context: MirrorRequestContext, next: (Request, MirrorRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .get || request.method == .head, let route = Self.route(of: request.uri.path),
            let span = tracer.begin("\(request.method.rawValue) \(route)", .server, calledBy: Self.caller(of: request))
        else { return try await next(request, context) }
        span.set("http.request.method", "\(request.method.rawValue)")
        span.set("http.route", "\(route)")
        span.set("url.scheme", isTLS ? "https" : "http")
        // The path of a redirect is a URL, with the query that that may have. What is safe of it is said when it has been read.
        if route != Self.redirect { span.set("url.path", "\(request.uri.path)") }
        if let agent = request.headers[.userAgent] { span.set("user_agent.original", "\(agent)") }
        let client = selector.value.client(peer: context.peer, values: request.forwarded)
        span.set("cloud_mirror.client.network", "\(ClientNetwork(client))")
        return try await span.during {
            let response = try await next(request, context)
            span.set("http.response.status_code", .integer(Int64(response.status.code)))
            if response.status.kind == .serverError { span.fail("\(response.status.code)") }
            return response
        }
    }

    private static let redirect = "/v1/redirect/{artifact}"

    private static func route(of path: String) -> String? {
        if path.utf8.starts(with: RedirectRoutes.prefix.utf8) { return redirect }
        for prefix in [NamedRoutes.prefix, NamedRoutes.imagePrefix] where path.utf8.starts(with: prefix.utf8) { return "\(prefix){path}" }
        return nil
    }

    /// The span that the client says it asks for. Two of them are none.
    private static func caller(of request: Request) -> TraceContext? {
        let values = request.headers[values: .traceparent]
        return values.count == 1 ? TraceContext(traceparent: values[0].utf8) : nil
    }
}

extension HTTPField.Name {
    // A valid token, so that it is never the placeholder.
    fileprivate static let traceparent = HTTPField.Name(TraceContext.fieldName) ?? .server
}
