package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A bucket that artifacts are fetched from with the mirror's own credentials.
///
/// The service's answers about an object are passed on unchanged if they are consistent. Its answers about the caller (a wrong or expired key, a
/// missing permission) are thrown and logged, because clients can do nothing about them. Without the permission to list the bucket, a missing
/// key gets such an answer, too.
package struct S3Origin: BucketOrigin {
    package let client: S3Client
    private let urls: S3BucketURLs
    private let trouble: OriginTrouble<S3Credentials>

    /// - Parameter http: Shared by all clients of the service.
    package init(
        bucket: String, endpoint: S3Endpoint, credentials: any CredentialsProvider<S3Credentials>, http: ServiceClient,
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) {
        client = S3Client(bucket: bucket, endpoint: endpoint, credentials: credentials, http: http, clock: clock, logger: logger)
        urls = S3BucketURLs(endpoint: endpoint, bucket: bucket)
        trouble = OriginTrouble(bucket: bucket, clock: clock, logger: logger)
    }

    package func artifact(_ url: String) -> ArtifactURL? {
        urls.object(url).flatMap(urls.url(of:))
    }

    package func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        guard let range else { return try await whole(artifact, ifMatch: ifMatch) }
        var call = try call("originGet", .GET, artifact)
        call.headers.append(("range", "bytes=\(range.offset)-\(range.end - 1)"))
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        let answer = try await ask(call)
        if try await agrees(answer, range, artifact) { return answer }
        // A server that answers ranges incorrectly may answer a request for the whole object correctly.
        guard range.offset == 0 else {
            throw CloudErrors.s3.odd(
                "the service sends something other than the requested range of \(artifact.redacted)", call.name)
        }
        let all = try await whole(artifact, ifMatch: ifMatch)
        guard all.status == 200 else { return all }
        // The server was wrong once already, so check the length.
        let known = try await head(artifact)
        guard known.status != 200 || known.header("content-length") == nil || known.header("content-length") == all.header("content-length")
        else { throw CloudErrors.s3.odd("the service sends \(artifact.redacted) with a length other than it states", call.name) }
        return all
    }

    /// - Throws: `.unavailable` if the answer says that it is only a part.
    private func whole(_ artifact: ArtifactURL, ifMatch: String?) async throws -> BucketAnswer {
        var call = try call("originGet", .GET, artifact)
        // For a range that happens to be an upload's part, the service would state that part's checksum.
        call.headers.append(Self.statesChecksums)
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        let answer = try await ask(call)
        guard answer.status != 206, answer.status != 200 || answer.header("content-range") == nil else {
            throw CloudErrors.s3.odd("the service sends a part of \(artifact.redacted) as if it were the whole", call.name)
        }
        return answer
    }

    /// Whether the answer to a request for a range is that range, the whole object, or an error.
    private func agrees(_ answer: BucketAnswer, _ range: ByteRange, _ artifact: ArtifactURL) async throws -> Bool {
        switch answer.status {
        case 206: return answer.isExactly(range)
        case 200:
            // Only the object itself can tell whether this is the whole.
            guard answer.header("content-range") == nil, let length = ObjectFields.size(answer.header("content-length")) else {
                return false
            }
            let known = try await head(artifact)
            return known.status == 200 && ObjectFields.size(known.header("content-length")) == length
                && known.header("etag") == answer.header("etag")
        default: return true
        }
    }

    package func head(_ artifact: ArtifactURL) async throws -> BucketAnswer {
        var call = try call("originHead", .HEAD, artifact)
        call.headers.append(Self.statesChecksums)
        return try await ask(call)
    }

    package func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let object = urls.object(artifact.description), let size = Self.size(answer) else { return nil }
        let endpoint = client.endpoint
        return CopySource(
            service: S3Service.name, endpoint: endpoint.url, region: endpoint.region, bucket: client.bucket, key: object.key,
            version: object.version, size: size, etag: answer.header("etag").map(ObjectFields.quoted).flatMap { $0.isEmpty ? nil : $0 })
    }

    package func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation {
        let object = try object(artifact, for: "location")
        let held = try await client.currentCredentials(for: "location")
        // A signature that the service refuses is worse than none, because the bucket may be public.
        guard let held, !trouble.isRefused(held) else {
            let query = object.version.map { "?versionId=\(PercentCoding.encode($0))" } ?? ""
            return ObjectLocation(url: client.url(ofKey: object.key) + query)
        }
        return try await client.presignedURL(ofKey: object.key, version: object.version, life: life)
    }

    // MARK: Asking

    private static let statesChecksums = (name: "x-amz-checksum-mode", value: "ENABLED")

    private func call(_ name: String, _ method: HTTPMethod, _ artifact: ArtifactURL) throws -> S3Call {
        let object = try object(artifact, for: name)
        return S3Call(name, method, key: object.key, query: object.version.map { [("versionId", $0)] } ?? [])
    }

    private func object(_ artifact: ArtifactURL, for call: String) throws -> S3ObjectName {
        guard let object = urls.object(artifact.description) else {
            throw CloudErrors.s3.invalid("\(artifact.redacted) is not an object of this bucket", call)
        }
        return object
    }

    private func ask(_ call: S3Call) async throws -> BucketAnswer {
        let held = try await client.currentCredentials(for: call.name)
        let answer = try await trouble.ask(
            with: held, missingBucket: "NoSuchBucket", { try await client.answer(to: call) }, describe: { client.error($0, call) })
        return BucketAnswer(answer)
    }

    /// The size of the whole object in bytes.
    private static func size(_ answer: BucketAnswer) -> Int64? {
        let text: Substring? =
            switch answer.status {
            case 200: answer.header("content-length").map { $0[...] }
            case 206: answer.header("content-range")?.split(separator: "/").last
            default: nil
            }
        return text.flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
