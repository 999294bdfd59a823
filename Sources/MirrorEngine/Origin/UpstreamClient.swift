package import MirrorNet
package import NamedOrigins

/// Asks named origins, with what the mirror shows each of them.
package struct UpstreamClient: OriginAuthorization {
    package let client: GuardedClient

    package init(client: GuardedClient) {
        self.client = client
    }

    package func send(_ request: OutboundRequest, to origin: NamedOrigin) async throws -> OutboundResponse {
        var request = request
        if let field = origin.credentials.requestField { request.headers.append(field) }
        return try await client.send(request)
    }
}
