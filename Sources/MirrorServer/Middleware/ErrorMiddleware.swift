import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState

/// Turns every error that a route throws into the one error body; no internal detail gets out.
struct ErrorMiddleware: RouterMiddleware {
    let clock: any WallClock
    let allowed: AllowedMethods
    let troubles: LineBudget

    func handle(
        _ request: Request, context: MirrorRequestContext, next: (Request, MirrorRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let shown = misdirected(error, request) ?? RequestError(error)
            if shown.code == .internalError || error is StateError {
                troubles.log(
                    shown.code == .internalError ? .error : .warning, "request failed", to: context.logger,
                    metadata: ["route": "\(context.endpointPath ?? "")", "error": "\(error)"])
            }
            return shown.response(to: request.method, request.uri.path, at: clock.now).response(to: request)
        }
    }

    /// An error that Hummingbird calls not found, although the path supports other methods.
    private func misdirected(_ error: any Error, _ request: Request) -> RequestError? {
        guard let error = error as? HTTPError, error.status == .notFound, let methods = allowed.field(at: request.uri.path) else {
            return nil
        }
        return RequestError(.methodNotAllowed, "this address supports only \(methods)", headers: [.allow: methods])
    }
}
