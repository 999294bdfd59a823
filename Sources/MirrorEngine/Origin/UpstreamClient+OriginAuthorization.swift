package import MirrorNet
package import NamedOrigins

extension UpstreamClient: OriginAuthorization {
    package func send(_ request: OutboundRequest, to origin: NamedOrigin) async throws -> OutboundResponse {
        try await send(request, to: origin, authorization: nil)
    }
}
