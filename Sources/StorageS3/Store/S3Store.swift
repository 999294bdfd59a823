package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
import StorageCloud

/// A pool in a bucket of Amazon S3, or of a service with the same protocol.
package struct S3Store: ObjectStore {
    package let configuration: S3Configuration
    package let client: S3Client
    let multipart: S3Multipart
    let logger: Logger

    private static let answers = ObjectAnswers(fields: .s3, errors: .s3)

    /// Bytes. Amazon S3 User Guide, "Amazon S3 multipart upload limits".
    static let minPartSize: Int64 = 5 << 20
    static let maxPartSize: Int64 = 5 << 30
    static let maxParts = 10_000
    static let maxObjectSize: Int64 = 5 << 40

    /// - Parameter http: Shared by all stores; its idle timeout is how long the service may be silent.
    package init(configuration: S3Configuration, http: ServiceClient, clock: any MirrorClock = SystemClock(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        client = S3Client(
            bucket: configuration.bucket, endpoint: configuration.endpoint, credentials: configuration.credentials,
            quirks: configuration.quirks, http: http, clock: clock, logger: logger)
        multipart = S3Multipart(client: client, retries: StepRetry(clock: clock))
    }

    /// The capabilities of the protocol, without those that the server refuses.
    package var capabilities: StoreCapabilities {
        var capabilities = Self.capabilities(configuration.reading.access)
        let isConditional = !S3Quirk.allCases.contains { $0.isCondition && configuration.quirks.isRefused($0, at: client.clock.instant) }
        if !isConditional { capabilities.features.remove(.conditionalWrites) }
        return capabilities
    }

    package static func capabilities(_ access: BucketAccess) -> StoreCapabilities {
        var features: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites]
        if access == .presigned { features.insert(.presignedLocations) }
        return StoreCapabilities(
            features: features, maxObjectSize: maxObjectSize, minPartSize: minPartSize, maxPartSize: maxPartSize, maxParts: maxParts)
    }

    /// The object's name in the bucket.
    func name(of key: ObjectKey) -> String { configuration.reading.keyPrefix + key.description }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        let answer = try await client.send(S3Call("head", .HEAD, key: name(of: key)))
        return try Self.answers.info(of: key, answer, now: client.now)
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var call = S3Call("get", .GET, key: name(of: key))
        if let range { call.headers.append(("range", "bytes=\(range.offset)-\(range.end - 1)")) }
        let answer = try await client.send(call)
        return try Self.answers.content(of: key, range: range, answer, now: client.now)
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        if let expectedSize, expectedSize > Self.maxObjectSize {
            throw CloudErrors.s3.invalid("\(expectedSize) bytes are more than an object may have", "beginUpload")
        }
        return S3Upload(store: self, key: key, metadata: MetadataFields.s3.kept(metadata), expectedSize: expectedSize)
    }

    private var listing: BucketListing { BucketListing(keyPrefix: configuration.reading.keyPrefix, errors: .s3) }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await listing.objects(after: after, limit: limit, now: client.now) { query in
            try await client.document(S3Call("list", .GET, query: query), limit: BucketListing.maxPageSize)
        }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        switch configuration.reading.access {
        case .presigned:
            return try await client.presignedURL(ofKey: name(of: key), base: configuration.reading.publicURL, life: life)
        case .public:
            return ObjectLocation(url: client.url(ofKey: name(of: key), base: configuration.reading.publicURL))
        }
    }

    /// Lists one object: without the permission to list, absent objects are answered with 403 instead of 404, and no pool works like that.
    package func checkHealth() async throws {
        do {
            _ = try await client.document(S3Call("checkHealth", .GET, query: listing.query(limit: 1)))
        } catch var error as StorageError where error.code == .permissionDenied && (error.cause as? S3Failure)?.code == "AccessDenied" {
            error.message = "the credentials may not list the bucket \(configuration.bucket): permit s3:ListBucket"
            throw error
        }
    }
}
