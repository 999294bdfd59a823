package import MirrorNet
package import NamedOrigins

/// Sends requests with what the mirror shows the origins that it has credentials for.
package protocol OriginAuthorization: Sendable {
    /// Sends a request below the URL of a named origin.
    ///
    /// - Throws: `OutboundError`; `CancellationError`.
    func send(_ request: OutboundRequest, to origin: NamedOrigin) async throws -> OutboundResponse
}
