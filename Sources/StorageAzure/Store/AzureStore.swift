package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A pool in a container of Azure Blob Storage.
package struct AzureStore: CloudStore {
    package let configuration: AzureConfiguration
    package let client: AzureClient
    let blocks: AzureBlocks
    let markers = ListMarkers()
    let logger: Logger

    package static let fields = MetadataFields.azure
    package static let rangeField = "x-ms-range"
    package static let features: StoreCapabilities.Features = [
        .parallelParts, .serverSideCopy, .conditionalWrites, .keepsDigestOfParts, .pullsURLs,
    ]

    // Azure documentation, "Scalability and performance targets for Blob storage". A block may have any length, but many short ones are useless.
    package static let minPartSize: Int64 = 1 << 20
    package static let maxPartSize: Int64 = 4_000 << 20
    package static let maxParts = 50_000
    /// The capacity of that many parts of that size, rounded down.
    package static let maxObjectSize: Int64 = 190 << 40
    package static let minCopyPartSize: Int64 = 8 << 20

    package var reading: BucketReading { configuration.reading }
    package var retries: StepRetry { blocks.retries }

    /// - Parameter http: Shared by all stores; its idle timeout is how long the service may be silent.
    /// - Parameter clockOffset: Shared by everything that signs for the account.
    package init(
        configuration: AzureConfiguration, http: ServiceClient, clock: any MirrorClock = SystemClock(),
        clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        client = AzureClient(
            container: configuration.container, endpoint: configuration.endpoint, credentials: configuration.credentials,
            delegation: configuration.delegation, http: http, clock: clock, clockOffset: clockOffset, logger: logger)
        blocks = AzureBlocks(client: client, retries: StepRetry(clock: clock))
    }

    package var capabilities: StoreCapabilities {
        var capabilities = Self.capabilities(configuration.reading.access)
        if !configuration.pullsURLs { capabilities.features.remove(.pullsURLs) }
        return capabilities
    }

    package func checked(_ body: ByteStream, of answer: AzureAnswer, range: ByteRange?) -> ByteStream {
        guard range == nil, let md5 = answer.headers.first(name: "content-md5").flatMap({ Digest(.md5, base64: $0) }) else { return body }
        return body.checked(expecting: md5)
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try requireRoom(for: expectedSize)
        return AzureUpload(store: self, key: key, metadata: MetadataFields.azure.keptByAzure(metadata), expectedSize: expectedSize)
    }

    /// Lists one object, which shows that the container exists and may be read.
    package func checkHealth() async throws {
        do {
            _ = try await client.document(listCall("checkHealth", limit: 1, marker: nil))
        } catch var error as StorageError where error.code == .permissionDenied {
            guard (error.cause as? AzureFailure)?.code.hasPrefix("Authorization") == true else { throw error }
            error.message =
                "the credentials may not list the container \(configuration.container): assign Storage Blob Data Reader (\(error.message))"
            throw error
        }
    }

    // MARK: Conditions

    /// The object whose publication was refused because it exists: an earlier request whose answer was lost may have published it.
    ///
    /// - Parameter metadata: As the service will return it.
    /// - Throws: `error`, unless that is what happened; `.preconditionFailed` if another writer published it in the meantime.
    func published(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, _ condition: WriteCondition, despite error: StorageError
    ) async throws -> ObjectInfo {
        let hasLostBlocks = (error.cause as? AzureFailure)?.code == "InvalidBlockList"
        guard error.code == .preconditionFailed || hasLostBlocks else { throw error }
        if let info = try await own(key, size: size, metadata, despite: error) { return info }
        // Publishing an object discards all blocks that others have sent for it.
        guard condition == .absent, hasLostBlocks else { throw error }
        throw CloudErrors.azure.error(.preconditionFailed, "the object \(key) exists already", "complete")
    }
}
