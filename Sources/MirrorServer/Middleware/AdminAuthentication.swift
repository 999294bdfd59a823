import Crypto
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

/// The tokens that admin calls may carry, compared in constant time.
struct AdminTokens: Sendable {
    /// Digests, so that the time does not reveal lengths either.
    private let digests: [SHA256.Digest]

    init(_ tokens: [String]) {
        digests = tokens.map { SHA256.hash(data: Array($0.utf8)) }
    }

    func contain(_ token: some StringProtocol) -> Bool {
        let given = SHA256.hash(data: Array(token.utf8))
        // Every token is compared, so that the time does not reveal which one was nearly right.
        return digests.reduce(false) { $1 == given || $0 }
    }
}
