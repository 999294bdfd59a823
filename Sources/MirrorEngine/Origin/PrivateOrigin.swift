import MirrorCore
import MirrorNet
import MirrorStorage
import NamedOrigins

/// An object of a bucket that the mirror reads with credentials of its own, whatever the client's URL was signed with.
struct PrivateOrigin: Origin {
    let artifact: ArtifactURL
    let bucket: any BucketOrigin
    /// Knows which hosts are public; the bucket itself is not asked by it.
    let client: GuardedClient

    var source: ArtifactSource { ArtifactSource(artifact) }

    var named: NamedCall? { nil }

    var isPrivate: Bool { true }

    /// Whoever configured a bucket as an origin allowed it.
    func check() {}

    func location(life: Duration) async throws -> String {
        try await bucket.location(of: artifact, life: life).url
    }

    /// - Parameter answered: Not looked at: it is the artifact's name, which nobody else may read.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach? {
        let location = try await asOrigin { try await bucket.location(of: artifact, life: life) }
        guard let url = try? ArtifactURL(location.url), url.description == location.url else { return nil }
        return OriginReach(url: url, isPublic: try await client.isPublic(url))
    }

    func head() async throws -> OriginHead? {
        let answer = try await asOrigin { try await bucket.head(artifact) }
        return OriginHead(answer: OriginAnswer(answer, of: artifact), copySource: bucket.source(of: artifact, answer))
    }

    /// - Parameter url: Not looked at: buckets do not redirect.
    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer {
        OriginAnswer(try await asOrigin { try await bucket.open(artifact, range: range, ifMatch: ifMatch) }, of: artifact)
    }

    private func asOrigin<Success>(_ operation: () async throws -> Success) async throws -> Success {
        do {
            return try await operation()
        } catch let error as StorageError {
            throw CopyError(ofBucket: error)
        }
    }
}
