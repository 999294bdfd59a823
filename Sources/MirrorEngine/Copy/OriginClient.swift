package import MirrorCore
package import MirrorNet
package import MirrorStorage

/// Asks origins for artifacts: by plain HTTP under the egress policy, or from buckets that the mirror has credentials for.
package struct OriginClient: Sendable {
    private let outbound: OutboundClient
    private let buckets: [any BucketOrigin]

    package init(_ outbound: OutboundClient, buckets: [any BucketOrigin] = []) {
        self.outbound = outbound
        self.buckets = buckets
    }

    /// The artifact that a client's words mean: the spellings of a bucket's object are one artifact.
    ///
    /// - Throws: `ArtifactURLError`.
    package func artifact(_ text: String) throws(ArtifactURLError) -> ArtifactURL {
        for bucket in buckets {
            if let artifact = bucket.artifact(text) { return artifact }
        }
        return try ArtifactURL(text)
    }

    /// Asks the egress policy alone; makes no call.
    /// - Throws: `OutboundError` that says why.
    package func check(_ artifact: ArtifactURL) throws {
        // Whoever configured a bucket as an origin allowed it.
        if bucket(of: artifact) == nil { try outbound.check(artifact) }
    }

    /// Where a client gets the artifact without the mirror's help.
    ///
    /// - Throws: What the bucket's store throws when there are no credentials to sign with.
    package func location(of artifact: ArtifactURL, life: Duration) async throws -> String {
        guard let bucket = bucket(of: artifact) else { return artifact.description }
        return try await bucket.location(of: artifact, life: life).url
    }

    /// What a bucket knows of an artifact without its bytes; `nil` for an artifact that lies in no configured bucket.
    ///
    /// - Throws: ``CopyError`` for a status that is not success.
    func headInBucket(_ artifact: ArtifactURL) async throws -> (response: OriginResponse, source: CopySource?)? {
        guard let bucket = bucket(of: artifact) else { return nil }
        return try await asOrigin {
            let answer = try await bucket.head(artifact)
            return (try OriginResponse(answer, of: artifact, requested: nil), bucket.source(of: artifact, answer))
        }
    }

    private func bucket(of artifact: ArtifactURL) -> (any BucketOrigin)? {
        buckets.isEmpty ? nil : buckets.first { $0.artifact(artifact.description) == artifact }
    }

    /// What goes wrong with an origin's bucket is the origin's failure, not the pool's.
    private func asOrigin<Success>(_ operation: () async throws -> Success) async throws -> Success {
        do {
            return try await operation()
        } catch let error as StorageError {
            throw CopyError(
                .transfer, isTransient: error.code.isTransient, "the origin's bucket: \(error.code.rawValue)", retryAfter: error.retryAfter)
        }
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
        if let bucket = bucket(of: url) {
            let answer = try await asOrigin { try await bucket.open(url, range: range, ifMatch: ifMatch) }
            if answer.status == 416, range?.offset == 0 { return try await open(url, ifMatch: ifMatch) }
            return try OriginResponse(answer, of: url, requested: range)
        }
        let response = try await outbound.send(OutboundRequest(.get, url, headers: headers))
        if response.status == 416, range?.offset == 0 {
            // An empty artifact has no first byte to give.
            return try await open(url, ifMatch: ifMatch)
        }
        return try OriginResponse(response, requested: range)
    }
}
