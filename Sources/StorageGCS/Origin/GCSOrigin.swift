package import MirrorCore
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A bucket that artifacts are fetched from with the mirror's own credentials.
///
/// Answers about an object are passed on unchanged, unless they contradict themselves. Answers about the mirror itself (an expired token, a missing permission)
/// are thrown and logged: clients cannot do anything about them. Without the permission to list the bucket, a missing object is such an answer, too.
package struct GCSOrigin: BucketOrigin {
    package let client: GCSClient
    private let urls: GCSBucketURLs
    private let trouble: OriginTrouble<GCSCredentials>

    /// - Parameter connection: Shared by everybody who talks to the service.
    package init(bucket: String, endpoint: GCSEndpoint, credentials: any CredentialsProvider<GCSCredentials>, connection: GCSConnection) {
        client = GCSClient(bucket: bucket, endpoint: endpoint, credentials: credentials, connection: connection)
        urls = GCSBucketURLs(endpoint: endpoint, bucket: bucket)
        trouble = OriginTrouble(bucket: bucket, clock: connection.clock, logger: connection.logger)
    }

    package func artifact(_ url: String) -> ArtifactURL? {
        urls.object(url).flatMap(urls.url(of:))
    }

    package func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        var call = try call("originGet", .GET, artifact)
        if let range { call.headers.append(("range", "bytes=\(range.offset)-\(range.end - 1)")) }
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        let answer = try await ask(call)
        guard agrees(answer, range) else {
            throw CloudErrors.gcs.odd("the service sends something other than what was requested of \(artifact.redacted)", call.name)
        }
        return answer
    }

    /// Whether an answer is what was asked for, or says why not.
    private func agrees(_ answer: BucketAnswer, _ range: ByteRange?) -> Bool {
        switch answer.status {
        case 200: return answer.header("content-range") == nil
        case 206: return range.map(answer.isExactly) ?? false
        default: return true
        }
    }

    package func head(_ artifact: ArtifactURL) async throws -> BucketAnswer {
        try await ask(try call("originHead", .HEAD, artifact))
    }

    package func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let object = urls.object(artifact.description), answer.status == 200,
            let size = ObjectFields.size(answer.header("x-goog-stored-content-length") ?? answer.header("content-length"))
        else { return nil }
        return CopySource(
            service: GCSService.name, endpoint: client.endpoint.url, region: "", bucket: client.bucket, key: object.key,
            version: object.generation, size: size,
            etag: answer.header("etag").map(ObjectFields.quoted).flatMap { $0.isEmpty ? nil : $0 })
    }

    package func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation {
        let object = try object(artifact, for: "location")
        let held = try await client.currentCredentials(for: "location")
        // A signature that the service does not take is worse than none: the bucket may be public.
        guard let held, held.signer != nil, !trouble.isRefused(held) else {
            let query = object.generation.map { "?generation=\($0)" } ?? ""
            return ObjectLocation(url: client.url(ofKey: object.key) + query)
        }
        return try await client.signedURL(ofKey: object.key, generation: object.generation, life: life)
    }

    // MARK: Asking

    private func call(_ name: String, _ method: HTTPMethod, _ artifact: ArtifactURL) throws -> GCSCall {
        let object = try object(artifact, for: name)
        return GCSCall(name, method, key: object.key, query: object.generation.map { [("generation", $0)] } ?? [])
    }

    private func object(_ artifact: ArtifactURL, for call: String) throws -> GCSObjectName {
        guard let object = urls.object(artifact.description) else {
            throw CloudErrors.gcs.invalid("\(artifact.redacted) is not an object of this bucket", call)
        }
        return object
    }

    private func ask(_ call: GCSCall) async throws -> BucketAnswer {
        let held = try await client.currentCredentials(for: call.name)
        let answer = try await trouble.ask(
            with: held, missingBucket: "NoSuchBucket", { try await client.answer(to: call) }, describe: { client.error($0, call) })
        return BucketAnswer(answer)
    }
}
