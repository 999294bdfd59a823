import MirrorCore
import MirrorNet

/// An artifact that anybody may fetch by HTTP, as far as the egress policy allows it.
struct HTTPOrigin: Origin {
    let source: ArtifactSource
    let client: GuardedClient
    let metrics: OriginMetrics

    var isPrivate: Bool { false }

    func check() throws {
        // What would be fetched; the name has the same host and path.
        try client.check(source.url)
    }

    func location(life: Duration) -> String { source.url.description }

    /// What answered has passed the policy, on every hop.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach? {
        OriginReach(url: answered, isPublic: try await client.isPublic(answered))
    }

    func head() -> OriginHead? { nil }

    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer {
        var headers: [(name: String, value: String)] = []
        if let range { headers.append(("Range", "bytes=\(range.offset)-\(range.end - 1)")) }
        if let ifMatch { headers.append(("If-Match", ifMatch)) }
        let rule = client.policy.rule(for: source.url)
        return try await metrics.counting(rule?.label ?? "other", status: \.status) {
            OriginAnswer(try await client.send(OutboundRequest(.get, url ?? source.url, headers: headers)))
        }
    }
}
