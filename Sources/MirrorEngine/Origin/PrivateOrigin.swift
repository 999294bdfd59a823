import MirrorCore
import MirrorNet
import MirrorStorage
import NamedOrigins

/// An object of a bucket that the mirror reads with its own credentials, whatever the client's URL was signed with.
struct PrivateOrigin: Origin {
    let artifact: ArtifactURL
    let bucket: any BucketOrigin
    /// Used only to find out whether a host is public, not for requests to the bucket.
    let client: GuardedClient
    let metrics: OriginMetrics

    var source: ArtifactSource { ArtifactSource(artifact) }

    var named: NamedCall? { nil }

    var isPrivate: Bool { true }

    /// A bucket that is configured as an origin is allowed.
    func check() {}

    func location(life: Duration) async throws -> String {
        try await bucket.location(of: artifact, life: life).url
    }

    /// - Parameter answered: Ignored: it is the artifact's name, which only the mirror can read.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach? {
        let location = try await asOrigin { try await bucket.location(of: artifact, life: life) }
        guard let url = try? ArtifactURL(location.url), url.description == location.url else { return nil }
        return OriginReach(url: url, isPublic: try await client.isPublic(url))
    }

    func head() async throws -> OriginHead? {
        let answer = try await tracedRequest(.head, artifact, nil, status: \.status) { _ in
            try await counting { try await bucket.head(artifact) }
        }
        return OriginHead(answer: OriginAnswer(answer, of: artifact), copySource: bucket.source(of: artifact, answer))
    }

    /// - Parameter url: Ignored: buckets do not redirect.
    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer {
        let answer = try await tracedRequest(.get, artifact, range, status: \.status) { _ in
            try await counting { try await bucket.open(artifact, range: range, ifMatch: ifMatch) }
        }
        return OriginAnswer(answer, of: artifact)
    }

    /// Counts by the host, which is that of a bucket in the configuration.
    private func counting(_ ask: () async throws -> BucketAnswer) async throws -> BucketAnswer {
        try await metrics.counting("\(artifact.host)", status: \.status) { try await asOrigin(ask) }
    }

    private func asOrigin<Success>(_ operation: () async throws -> Success) async throws -> Success {
        do {
            return try await operation()
        } catch let error as StorageError {
            throw CopyError(ofBucket: error)
        }
    }
}
