import Hummingbird
import Logging
import MirrorCore

/// Turns whatever a route throws into the one error body; nothing internal gets past it.
struct ErrorMiddleware: RouterMiddleware {
    let clock: any WallClock

    func handle(
        _ request: Request, context: MirrorRequestContext, next: (Request, MirrorRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let shown = RequestError(error)
            if shown.code == .internalError {
                context.logger.error("request failed", metadata: ["route": "\(context.endpointPath ?? "")", "error": "\(error)"])
            }
            return shown.response(to: request, at: clock.now)
        }
    }
}
