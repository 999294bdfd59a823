package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A bucket of Amazon S3, or of a service with the same protocol, that artifacts are fetched from.
///
/// Without the permission to list the bucket, the service answers about a missing key as about a refused caller.
package struct S3Origin: CloudOrigin {
    package let client: S3Client
    package let urls: S3BucketURLs
    package let trouble: OriginTrouble<S3Client>

    /// - Parameter http: Shared by all clients of the service.
    package init(
        bucket: String, endpoint: S3Endpoint, credentials: any CredentialsProvider<S3Credentials>, http: ServiceClient,
        clock: any MirrorClock = SystemClock(), logger: Logger
    ) {
        client = S3Client(bucket: bucket, endpoint: endpoint, credentials: credentials, http: http, clock: clock, logger: logger)
        urls = S3BucketURLs(endpoint: endpoint, bucket: bucket)
        trouble = OriginTrouble(client, bucket: bucket, logger: logger)
    }

    package func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        guard let range else { return try await whole(artifact, ifMatch: ifMatch) }
        var call = try call("originGet", .GET, artifact)
        call.headers.append(("range", range.fieldValue))
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
            version: object.version, size: size, etag: answer.etag)
    }

    private static let statesChecksums = (name: "x-amz-checksum-mode", value: "ENABLED")

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
