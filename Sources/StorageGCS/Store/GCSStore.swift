package import MirrorCore
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A pool in a bucket of Google Cloud Storage.
package struct GCSStore: CloudStore {
    package let configuration: GCSConfiguration
    package let client: GCSClient
    let multipart: GCSMultipart
    package let retries: StepRetry

    package static let fields = MetadataFields.gcs
    package static let features: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites, .keepsDigestOfParts]

    // Cloud Storage, "Quotas & limits", XML API multipart uploads.
    package static let minPartSize: Int64 = 5 << 20
    package static let maxPartSize: Int64 = 5 << 30
    package static let maxParts = 10_000
    package static let maxObjectSize: Int64 = 5 << 40

    package var reading: BucketReading { configuration.reading }

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

    package func checked(_ body: ByteStream, of answer: GCSAnswer, range: ByteRange?) -> ByteStream {
        body.checked(expecting: answer.isTranscoded ? nil : ObjectHashes(answer.headers).crc32c)
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try requireRoom(for: expectedSize)
        return GCSUpload(store: self, key: key, metadata: MetadataFields.gcs.kept(metadata), expectedSize: expectedSize)
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] { try await listV2(after: after, limit: limit) }

    package func checkHealth() async throws { try await checkListingV2(grant: "grant them storage.objects.list") }
}

extension GCSAnswer {
    /// Whether the service has decompressed the body: then the size and the hashes that it states are not those of the body.
    var isTranscoded: Bool {
        headers.first(name: "x-goog-stored-content-encoding").map { $0 != "identity" } == true
            && !headers.contains(name: "content-encoding")
    }
}
