package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import NamedOrigins

/// Finds the origin of an artifact: a bucket that the mirror has credentials for; otherwise, HTTP under the egress policy.
package struct OriginTable: Sendable {
    private let client: GuardedClient
    private let buckets: [any BucketOrigin]
    private let named: Reloadable<NamedOriginTable>?
    private let upstream: UpstreamClient?
    private let metrics: OriginMetrics

    /// - Parameter named: The rules of named origins. They apply to their artifacts however these are requested; `nil` for none.
    /// - Parameter upstream: Sends requests to those of them that require credentials or tokens.
    package init(
        _ client: GuardedClient, buckets: [any BucketOrigin] = [], named: Reloadable<NamedOriginTable>? = nil,
        upstream: UpstreamClient? = nil, metrics: OriginMetrics
    ) {
        self.client = client
        self.metrics = metrics
        self.buckets = buckets
        self.named = named
        self.upstream = upstream
    }

    /// The rules by which artifacts may be fetched over HTTP, as in the configuration; `any` for every public host.
    var allowed: [String] { client.policy.allow.map(\.label) }

    /// The origin of the artifact that a client names. All spellings of a bucket's object are one artifact, and so are URLs that differ only in what
    /// the configuration leaves out of the name.
    ///
    /// - Throws: `ArtifactURLError`.
    func resolve(_ text: String) throws(ArtifactURLError) -> any Origin {
        for bucket in buckets {
            if let artifact = bucket.artifact(text) {
                return PrivateOrigin(artifact: artifact, bucket: bucket, client: client, metrics: metrics)
            }
        }
        let url = try ArtifactURL(text)
        let call = named?.value.call(url)
        let source = url.query == nil ? ArtifactSource(url) : ArtifactSource(url, queryRule(for: url, call))
        // The buckets have already been tried with this very text.
        if source.name.description == text { return http(source, call) }
        return origin(of: source)
    }

    /// A rule without artifacts says nothing about their names.
    private func queryRule(for url: ArtifactURL, _ call: NamedCall?) -> QueryRule {
        if let rule = call?.rule, rule.kind == .mirrored { return rule.query }
        return client.policy.queryRule(for: url)
    }

    /// The origin of an artifact whose name is known.
    func origin(of source: ArtifactSource) -> any Origin {
        for bucket in buckets where bucket.artifact(source.name.description) == source.name {
            return PrivateOrigin(artifact: source.name, bucket: bucket, client: client, metrics: metrics)
        }
        return http(source, named?.value.call(source.name))
    }

    private func http(_ source: ArtifactSource, _ call: NamedCall?) -> any Origin {
        HTTPOrigin(source: source, client: client, metrics: metrics, named: call, upstream: upstream)
    }
}
