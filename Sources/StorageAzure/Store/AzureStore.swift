package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

/// A pool in a container of Azure Blob Storage.
package struct AzureStore: ObjectStore {
    package let configuration: AzureConfiguration
    package let client: AzureClient
    let blocks: AzureBlocks
    let markers = ListMarkers()
    let logger: Logger

    private static let answers = ObjectAnswers(fields: .azure, errors: .azure)

    /// Bytes. Azure documentation, "Scalability and performance targets for Blob storage". A block may be as short as it likes; so many
    /// short ones are of no use to anybody.
    static let minPartSize: Int64 = 1 << 20
    static let maxPartSize: Int64 = 4_000 << 20
    static let maxParts = 50_000
    /// What as many parts of that size hold, rounded down.
    static let maxObjectSize: Int64 = 190 << 40

    /// - Parameter http: Shared by all stores; its idle timeout is how long the service may be silent.
    /// - Parameter clockOffset: Shared by everybody who signs for the account.
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

    package var capabilities: StoreCapabilities { Self.capabilities(configuration.reading.access, pullsURLs: configuration.pullsURLs) }

    package static func capabilities(_ access: BucketAccess, pullsURLs: Bool = true) -> StoreCapabilities {
        var features: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites, .keepsDigestOfParts]
        if access == .presigned { features.insert(.presignedLocations) }
        if pullsURLs { features.insert(.pullsURLs) }
        return StoreCapabilities(
            features: features, maxObjectSize: maxObjectSize, minPartSize: minPartSize, maxPartSize: maxPartSize, maxParts: maxParts)
    }

    /// The object's name in the container.
    func name(of key: ObjectKey) -> String { configuration.reading.keyPrefix + key.description }

    /// One request about an object.
    func call(_ name: String, _ method: HTTPMethod, _ key: ObjectKey) -> AzureCall {
        AzureCall(name, method, .blob(name: self.name(of: key)))
    }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        let answer = try await client.send(call("head", .HEAD, key))
        return try Self.answers.info(of: key, answer, now: client.now)
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var call = call("get", .GET, key)
        if let range { call.headers.append(("x-ms-range", "bytes=\(range.offset)-\(range.end - 1)")) }
        let answer = try await client.send(call)
        return try Self.answers.content(of: key, range: range, answer, now: client.now) { body in
            guard range == nil, let md5 = answer.headers.first(name: "content-md5").flatMap({ Digest(.md5, base64: $0) }) else {
                return body
            }
            return ByteStream(MD5Stream(body, expecting: md5))
        }
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        if let expectedSize, expectedSize > Self.maxObjectSize {
            throw CloudErrors.azure.invalid("\(expectedSize) bytes are more than an object may have", "beginUpload")
        }
        return AzureUpload(store: self, key: key, metadata: MetadataFields.azure.keptByAzure(metadata), expectedSize: expectedSize)
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        switch configuration.reading.access {
        case .presigned:
            return try await client.signedURL(ofBlob: name(of: key), base: configuration.reading.publicURL, life: life)
        case .public:
            return ObjectLocation(url: client.url(ofBlob: name(of: key), base: configuration.reading.publicURL))
        }
    }

    /// Lists one object: so it is known that the container is there, and that it may be read.
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

    /// Looks before bytes are sent that would be of no use; the service itself keeps to the condition in the end.
    func requireAbsent(_ key: ObjectKey, call: String) async throws {
        try await blocks.retries.run { _ in
            do {
                _ = try await head(key)
            } catch let error as StorageError where error.code == .notFound && !Self.isAboutContainer(error) {
                return
            }
            throw CloudErrors.azure.error(.preconditionFailed, "the object \(key) exists already", call)
        }
    }

    /// The object whose publication was refused although it is there: a request before may have published it, whose answer did not come.
    ///
    /// - Parameter metadata: As the service will give them back.
    /// - Throws: `error`, unless that is what has happened; `.preconditionFailed` where somebody else has published it meanwhile.
    func published(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, _ condition: WriteCondition, despite error: StorageError
    ) async throws -> ObjectInfo {
        let hasLostBlocks = (error.cause as? AzureFailure)?.code == "InvalidBlockList"
        guard error.code == .preconditionFailed || hasLostBlocks else { throw error }
        if let info = try await own(key, size: size, metadata, despite: error) { return info }
        // Whoever publishes an object takes all blocks with it that others have sent for it.
        guard condition == .absent, hasLostBlocks else { throw error }
        throw CloudErrors.azure.error(.preconditionFailed, "the object \(key) exists already", "complete")
    }

    static func isAboutContainer(_ error: StorageError) -> Bool { (error.cause as? AzureFailure)?.code == "ContainerNotFound" }
}
