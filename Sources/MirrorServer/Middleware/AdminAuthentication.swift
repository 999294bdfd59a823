import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine

/// Lets admin calls through if they carry a token, from any client and any address.
struct AdminAuthentication: RouterMiddleware {
    let tokens: Reloadable<AdminTokens>
    let refusals: AdminRefusals
    let selector: Reloadable<PoolSelector>

    func handle(
        _ request: Request, context: MirrorRequestContext, next: (Request, MirrorRequestContext) async throws -> Response
    ) async throws -> Response {
        if let field = request.headers[.authorization] {
            if hasToken(field) { return try await next(request, context) }
            let client = selector.value.client(peer: context.peer, values: request.forwarded)
            await refusals.wrongToken(from: client, context.logger)
        } else {
            refusals.noToken()
        }
        throw RequestError(
            .unauthorized, "this call needs an admin token: Authorization: Bearer …", headers: [.wwwAuthenticate: "Bearer"])
    }

    private func hasToken(_ field: String) -> Bool {
        field.lowercased().hasPrefix("bearer ") && tokens.value.contain(field.dropFirst(7))
    }
}
