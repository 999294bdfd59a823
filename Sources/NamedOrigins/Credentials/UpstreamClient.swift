import MirrorCore
package import MirrorNet
package import MirrorSettings
import NIOHTTP1

/// Sends requests to origins that require credentials or tokens, under the egress policy.
///
/// Credentials go to the named origin's own scheme, host and port, and never follow a redirect to another place.
package struct UpstreamClient: Sendable {
    private let client: GuardedClient
    private let tokens: UpstreamTokens

    package init(client: GuardedClient, tokens: UpstreamTokens) {
        self.client = client
        self.tokens = tokens
    }

    /// Sends a request to a named origin. If it is refused because a token is missing, gets one and sends the request once more.
    ///
    /// - Parameter authorization: The client's own; sent only if the named origin allows it.
    /// - Throws: ``OutboundError``; `CancellationError`.
    package func send(_ request: OutboundRequest, to origin: NamedOrigin, authorization: Secret?) async throws -> OutboundResponse {
        var request = request
        request.credentials += credentials(for: request.url, of: origin, authorization)
        let isClient = origin.credentials == .client && authorization != nil
        guard origin.exchangesTokens, !isClient else { return try await client.send(request) }
        let first = try await tokens.token(for: request.url, of: origin)
        let response = try await client.send(request.with(first))
        guard response.status == 401, response.addresses.count == 1,
            let token = try await tokens.token(
                challenged: response.headers["www-authenticate"], by: request.url, of: origin, refused: first)
        else { return response }
        return try await client.send(request.with(token))
    }

    private func credentials(for url: ArtifactURL, of origin: NamedOrigin, _ authorization: Secret?) -> [(name: String, value: String)] {
        guard (url.scheme, url.host, url.port) == (origin.url.scheme, origin.url.host, origin.url.port) else { return [] }
        return origin.credentials.fields(client: authorization)
    }
}

extension OutboundRequest {
    fileprivate func with(_ token: Secret?) -> OutboundRequest {
        guard let token else { return self }
        var request = self
        request.credentials.removeAll { $0.name.lowercased() == "authorization" }
        request.credentials.append(("Authorization", "Bearer \(token.value)"))
        return request
    }
}
