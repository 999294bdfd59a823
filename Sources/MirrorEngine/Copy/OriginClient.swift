package import MirrorCore
package import MirrorNet

/// Asks origins for artifacts.
package struct OriginClient: Sendable {
    private let outbound: OutboundClient

    package init(_ outbound: OutboundClient) {
        self.outbound = outbound
    }

    /// Asks the egress policy alone; makes no call.
    /// - Throws: `OutboundError` that says why.
    package func check(_ artifact: ArtifactURL) throws {
        try outbound.check(artifact)
    }

    /// Asks for an artifact, or for a range of it, following redirects.
    ///
    /// - Parameter range: What to ask for; the origin may answer with the whole all the same.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Throws: ``CopyError``, or `CancellationError`.
    func open(_ url: ArtifactURL, range: ByteRange? = nil, ifMatch: String? = nil) async throws -> OriginResponse {
        var headers: [(name: String, value: String)] = []
        if let range { headers.append(("Range", "bytes=\(range.offset)-\(range.end - 1)")) }
        if let ifMatch { headers.append(("If-Match", ifMatch)) }
        let response = try await outbound.send(OutboundRequest(.get, url, headers: headers))
        if response.status == 416, range?.offset == 0 {
            // An empty artifact has no first byte to give.
            return try await open(url, ifMatch: ifMatch)
        }
        return try OriginResponse(response, requested: range)
    }
}
