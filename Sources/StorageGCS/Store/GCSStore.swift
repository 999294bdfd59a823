package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// A pool in a bucket of Google Cloud Storage.
package struct GCSStore: ObjectStore {
    package let configuration: GCSConfiguration
    package let client: GCSClient
    let multipart: GCSMultipart
    let retries: StepRetry

    private static let answers = ObjectAnswers(fields: .gcs, errors: .gcs)

    /// Bytes. Cloud Storage, "Quotas & limits", XML API multipart uploads.
    static let minPartSize: Int64 = 5 << 20
    static let maxPartSize: Int64 = 5 << 30
    static let maxParts = 10_000
    static let maxObjectSize: Int64 = 5 << 40

    /// - Parameter connection: Shared by all stores.
    package init(configuration: GCSConfiguration, connection: GCSConnection) {
        self.configuration = configuration
        client = GCSClient(
            bucket: configuration.bucket, endpoint: configuration.endpoint, credentials: configuration.credentials, connection: connection)
        retries = StepRetry(clock: connection.clock)
        multipart = GCSMultipart(client: client, retries: retries)
    }

    package var capabilities: StoreCapabilities {
        var capabilities = Self.capabilities(configuration.reading.access)
        if !configuration.hasTokens { capabilities.features.remove(.serverSideCopy) }
        return capabilities
    }

    package static func capabilities(_ access: BucketAccess) -> StoreCapabilities {
        var features: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites, .keepsDigestOfParts]
        if access == .presigned { features.insert(.presignedLocations) }
        return StoreCapabilities(
            features: features, maxObjectSize: maxObjectSize, minPartSize: minPartSize, maxPartSize: maxPartSize, maxParts: maxParts)
    }

    /// The object's name in the bucket.
    func name(of key: ObjectKey) -> String { configuration.reading.keyPrefix + key.description }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        let answer = try await client.send(GCSCall("head", .HEAD, key: name(of: key)))
        return try Self.answers.info(of: key, answer, now: client.now)
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var call = GCSCall("get", .GET, key: name(of: key))
        if let range { call.headers.append(("range", "bytes=\(range.offset)-\(range.end - 1)")) }
        let answer = try await client.send(call)
        return try Self.answers.content(of: key, range: range, answer, now: client.now) { body in
            let expected = answer.isTranscoded ? nil : ObjectHashes(answer.headers).crc32c
            return ByteStream(CheckedStream(base: body, check: RunningCheck(), expected: expected))
        }
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        if let expectedSize, expectedSize > Self.maxObjectSize {
            throw CloudErrors.gcs.invalid("\(expectedSize) bytes are more than an object may have", "beginUpload")
        }
        return GCSUpload(store: self, key: key, metadata: MetadataFields.gcs.kept(metadata), expectedSize: expectedSize)
    }

    private var listing: BucketListing { BucketListing(keyPrefix: configuration.reading.keyPrefix, errors: .gcs) }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await listing.objects(after: after, limit: limit, now: client.now) { query in
            try await client.document(GCSCall("list", .GET, query: query), limit: BucketListing.maxPageSize)
        }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        switch configuration.reading.access {
        case .presigned: return try await client.signedURL(ofKey: name(of: key), base: configuration.reading.publicURL, life: life)
        case .public: return ObjectLocation(url: client.url(ofKey: name(of: key), base: configuration.reading.publicURL))
        }
    }

    /// Lists one object. Without the permission to list, absent objects are answered with 403 instead of 404, and a pool cannot work.
    package func checkHealth() async throws {
        do {
            _ = try await client.document(GCSCall("checkHealth", .GET, query: listing.query(limit: 1)))
        } catch var error as StorageError where error.code == .permissionDenied && (error.cause as? GCSFailure)?.code == "AccessDenied" {
            error.message = "the credentials may not list the bucket \(configuration.bucket): grant them storage.objects.list"
            throw error
        }
    }
}

extension GCSAnswer {
    /// Whether the service has decompressed the body: then the size and the hashes that it states are not those of the body.
    var isTranscoded: Bool {
        headers.first(name: "x-goog-stored-content-encoding").map { $0 != "identity" } == true
            && !headers.contains(name: "content-encoding")
    }
}
