import Crypto
import HTTPTypes
import Hummingbird
import MirrorCore

/// Lets admin calls through that carry a token, or that come straight from this machine where that is enough.
struct AdminAuthentication: RouterMiddleware {
    let tokens: Reloadable<AdminTokens>
    let allowsLoopback: Bool

    func handle(
        _ request: Request, context: MirrorRequestContext, next: (Request, MirrorRequestContext) async throws -> Response
    ) async throws -> Response {
        guard hasToken(request) || (allowsLoopback && isFromThisMachine(request, context)) else {
            throw RequestError(
                .unauthorized, "this call needs an admin token: Authorization: Bearer …", headers: [.wwwAuthenticate: "Bearer"])
        }
        return try await next(request, context)
    }

    private func hasToken(_ request: Request) -> Bool {
        guard let field = request.headers[.authorization], field.lowercased().hasPrefix("bearer ") else { return false }
        return tokens.value.contain(field.dropFirst(7))
    }

    /// A request that came through a proxy on this machine, or that a web page made a browser send, is not this machine's.
    private func isFromThisMachine(_ request: Request, _ context: MirrorRequestContext) -> Bool {
        guard let peer = context.peer, Self.loopback.contains(where: { $0.contains(peer) }) else { return false }
        guard request.headers[.forwardedFor] == nil, request.headers[.forwarded] == nil, request.headers[.origin] == nil else {
            return false
        }
        guard let authority = request.head.authority, !authority.utf8.contains(where: { "/?#".utf8.contains($0) }),
            let url = try? ArtifactURL("http://\(authority)/")
        else { return false }
        return url.host == "localhost" || url.hostAddress.map { address in Self.loopback.contains { $0.contains(address) } } == true
    }

    private static let loopback = ["127.0.0.0/8", "::1/128", "::ffff:127.0.0.0/104"].compactMap { IPNetwork($0) }
}

/// What admin calls may carry, compared in the same time whatever is compared.
struct AdminTokens: Sendable {
    /// Digests, so that lengths do not tell either.
    private let digests: [SHA256.Digest]

    init(_ tokens: [String]) {
        digests = tokens.map { SHA256.hash(data: Array($0.utf8)) }
    }

    func contain(_ token: some StringProtocol) -> Bool {
        let given = SHA256.hash(data: Array(token.utf8))
        // Every token is compared, so that the time does not tell which one was nearly right.
        return digests.reduce(false) { $1 == given || $0 }
    }
}
