import MirrorCore
import MirrorNet
import MirrorTracing
import NamedOrigins

/// An artifact that is fetched by HTTP under the egress policy.
struct HTTPOrigin: Origin {
    let source: ArtifactSource
    let client: GuardedClient
    let metrics: OriginMetrics
    var named: NamedCall?
    var upstream: UpstreamClient?

    var isPrivate: Bool { false }

    func check() throws {
        if case .refused = named?.rule.kind {
            throw OutboundError(
                EgressRefusal(.notListed, "a rule of the origin \(named?.origin.name ?? "") refuses \(source.url.redacted)"))
        }
        // Checks the URL that would be fetched; the name has the same host and path.
        try client.check(source.url)
    }

    func location(life: Duration) -> String { source.url.description }

    /// The URL that answered has passed the policy, as has every hop before it.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach? {
        OriginReach(url: answered, isPublic: try await client.isPublic(answered))
    }

    func head() -> OriginHead? { nil }

    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer {
        var headers: [(name: String, value: String)] = []
        if let range { headers.append(("Range", range.fieldValue)) }
        if let ifMatch { headers.append(("If-Match", ifMatch)) }
        if let accept = named?.rule.accept { headers.append(("Accept", accept)) }
        let (url, fields) = (url ?? source.url, headers)
        return try await tracedRequest(.get, url, range, status: \.status) { span in
            // As a credential it goes to the URL's own server, and not to where that redirects.
            let request = OutboundRequest(.get, url, headers: fields, credentials: span?.originFields ?? [])
            // Which counts it itself.
            if let named, let upstream { return OriginAnswer(try await upstream.send(request, to: named.origin, authorization: nil)) }
            return try await metrics.counting(client.policy.label(of: source.url), status: \.status) {
                OriginAnswer(try await client.send(request))
            }
        }
    }
}
