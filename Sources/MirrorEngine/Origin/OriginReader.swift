package import MirrorCore
package import MirrorNet
package import MirrorStorage

/// Asks origins for artifacts: by plain HTTP under the egress policy, or from buckets that the mirror has credentials for.
package struct OriginReader: Sendable {
    private let outbound: GuardedClient
    private let buckets: [any BucketOrigin]
    private let clock: any WallClock

    package init(_ outbound: GuardedClient, buckets: [any BucketOrigin] = [], clock: any WallClock = SystemClock()) {
        self.outbound = outbound
        self.buckets = buckets
        self.clock = clock
    }

    /// The artifact that a client's words mean: the spellings of a bucket's object are one artifact, and so are URLs that differ in what the
    /// configuration leaves out of the name.
    ///
    /// - Throws: `ArtifactURLError`.
    package func source(_ text: String) throws(ArtifactURLError) -> ArtifactSource {
        for bucket in buckets {
            // Read with credentials of the mirror's own, whatever the client's URL was signed with.
            if let artifact = bucket.artifact(text) { return ArtifactSource(artifact) }
        }
        let url = try ArtifactURL(text)
        return url.query == nil ? ArtifactSource(url) : ArtifactSource(url, outbound.policy.queryRule(for: url))
    }

    /// Asks the egress policy alone; makes no call.
    ///
    /// What is asked about is what would be fetched; the name has the same host and path.
    ///
    /// - Throws: `OutboundError` that says why.
    package func check(_ source: ArtifactSource) throws {
        // Whoever configured a bucket as an origin allowed it.
        if bucket(of: source.name) == nil { try outbound.check(source.url) }
    }

    /// Whether the artifact lies in a bucket of ``BucketOrigin``, of which clients are given signed locations.
    func isInBucket(_ artifact: ArtifactURL) -> Bool { bucket(of: artifact) != nil }

    /// Where a client gets the artifact without the mirror's help: at the URL that it came with.
    ///
    /// - Throws: What the bucket's store throws when there are no credentials to sign with.
    package func location(of source: ArtifactSource, life: Duration) async throws -> String {
        guard let bucket = bucket(of: source.name) else { return source.url.description }
        return try await bucket.location(of: source.name, life: life).url
    }

    /// What a bucket knows of an artifact without its bytes.
    ///
    /// - Returns: `nil` for an artifact that lies in no configured bucket, and for one that the bucket refuses to tell of: a GET decides then.
    /// - Throws: ``CopyError``.
    func headInBucket(_ artifact: ArtifactURL) async throws -> (response: OriginResponse, source: CopySource?)? {
        guard let bucket = bucket(of: artifact) else { return nil }
        let answer = try await asOrigin { try await bucket.head(artifact) }
        switch read(OriginAnswer(answer, of: artifact), requested: nil, size: nil) {
        case .success(let response): return (response, bucket.source(of: artifact, answer))
        case .failure(let error) where error.mayComeOfTheRequest: return nil
        case .failure(let error): throw error
        }
    }

    private func bucket(of artifact: ArtifactURL) -> (any BucketOrigin)? {
        buckets.isEmpty ? nil : buckets.first { $0.artifact(artifact.description) == artifact }
    }

    private func asOrigin<Success>(_ operation: () async throws -> Success) async throws -> Success {
        do {
            return try await operation()
        } catch let error as StorageError {
            throw CopyError(ofBucket: error)
        }
    }

    /// Asks for an artifact, or for a range of it, following redirects.
    ///
    /// What an origin answers to the request for a first part, and would perhaps not answer to a plain one, is not believed: the whole is asked for once,
    /// as any other client would ask for it.
    ///
    /// - Parameter range: What to ask for; the origin may answer with the whole all the same.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Parameter size: Bytes of the whole artifact, where the origin has stated them before: an answer that states others is refused.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func open(
        _ url: ArtifactURL, range: ByteRange? = nil, ifMatch: String? = nil, size: Int64? = nil
    ) async throws -> OriginResponse {
        // The answer itself is gone by the time of the second request, and with it its place among those to that origin.
        let result = try await ask(url, range: range, ifMatch: ifMatch, size: size)
        guard case .failure(let error) = result, range?.offset == 0, error.mayComeOfTheRequest else { return try result.get() }
        return try await ask(url, range: nil, ifMatch: nil, size: size).get()
    }

    /// - Returns: What the origin's answer is worth; whatever else goes wrong is thrown.
    private func ask(
        _ url: ArtifactURL, range: ByteRange?, ifMatch: String?, size: Int64?
    ) async throws -> Result<OriginResponse, CopyError> {
        let answer: OriginAnswer
        if let bucket = bucket(of: url) {
            answer = OriginAnswer(try await asOrigin { try await bucket.open(url, range: range, ifMatch: ifMatch) }, of: url)
        } else {
            var headers: [(name: String, value: String)] = []
            if let range { headers.append(("Range", "bytes=\(range.offset)-\(range.end - 1)")) }
            if let ifMatch { headers.append(("If-Match", ifMatch)) }
            answer = OriginAnswer(try await outbound.send(OutboundRequest(.get, url, headers: headers)))
        }
        return read(answer, requested: range, size: size)
    }

    private func read(_ answer: OriginAnswer, requested: ByteRange?, size: Int64?) -> Result<OriginResponse, CopyError> {
        do {
            return .success(try OriginResponse(answer, requested: requested, size: size, now: clock.now))
        } catch {
            return .failure(error)
        }
    }
}
