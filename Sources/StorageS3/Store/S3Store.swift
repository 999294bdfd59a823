package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A pool in a bucket of Amazon S3, or of a service with the same protocol.
package struct S3Store: CloudStore {
    package let configuration: S3Configuration
    package let client: S3Client
    let multipart: S3Multipart
    let logger: Logger

    package static let fields = MetadataFields.s3
    package static let features: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites]

    // Amazon S3 User Guide, "Amazon S3 multipart upload limits".
    package static let minPartSize: Int64 = 5 << 20
    package static let maxPartSize: Int64 = 5 << 30
    package static let maxParts = 10_000
    package static let maxObjectSize: Int64 = 5 << 40

    package var reading: BucketReading { configuration.reading }
    package var retries: StepRetry { multipart.retries }

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

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try requireRoom(for: expectedSize)
        return S3Upload(store: self, key: key, metadata: MetadataFields.s3.kept(metadata), expectedSize: expectedSize)
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] { try await listV2(after: after, limit: limit) }

    package func checkHealth() async throws { try await checkListingV2(grant: "permit s3:ListBucket") }
}
