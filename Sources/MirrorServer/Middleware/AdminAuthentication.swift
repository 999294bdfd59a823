import Crypto
import HTTPTypes
import Hummingbird
import MirrorCore

/// Lets admin calls through that carry a token, or that come straight from this machine where that is enough.
struct AdminAuthentication: RouterMiddleware {
    private let tokens: [SHA256.Digest]
    private let allowsLoopback: Bool

    init(_ configuration: AdminConfiguration) {
        // Digests, so that a comparison takes the same time whatever is compared, its length too.
        tokens = configuration.tokens.map { SHA256.hash(data: Array($0.utf8)) }
        allowsLoopback = configuration.allowsLoopback
    }

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
        let given = SHA256.hash(data: Array(field.dropFirst(7).utf8))
        // Every token is compared, so that the time does not tell which one was nearly right.
        return tokens.reduce(false) { $1 == given || $0 }
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
