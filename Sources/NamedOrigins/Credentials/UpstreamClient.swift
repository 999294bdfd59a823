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
    private let metrics: OriginMetrics

    package init(client: GuardedClient, tokens: UpstreamTokens, metrics: OriginMetrics) {
        self.client = client
        self.tokens = tokens
        self.metrics = metrics
    }

    /// Sends a request to a named origin. If it is refused because a token is missing, gets one and sends the request once more.
    ///
    /// - Parameters:
    ///   - authorization: The client's own; sent only if the named origin allows it.
    ///   - end: When the caller cancels the request if it has no answer by then; `nil` if it may take any time.
    /// - Throws: ``OutboundError``; `CancellationError`.
    package func send(
        _ request: OutboundRequest, to origin: NamedOrigin, authorization: Secret?, until end: ContinuousClock.Instant? = nil
    ) async throws -> OutboundResponse {
        // Clients can make up hosts.
        let label = origin.isByHost ? client.policy.label(of: request.url) : origin.name
        return try await metrics.counting(label, until: end, status: \.status) {
            try await exchange(request, origin, authorization)
        }
    }

    private func exchange(_ request: OutboundRequest, _ origin: NamedOrigin, _ authorization: Secret?) async throws -> OutboundResponse {
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
