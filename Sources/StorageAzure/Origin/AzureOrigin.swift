package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
package import StorageCloud

/// A container of Azure Blob Storage that artifacts are fetched from.
package struct AzureOrigin: CloudOrigin {
    package let client: AzureClient
    package let urls: AzureContainerURLs
    package let trouble: OriginTrouble<AzureClient>

    package static let rangeField = "x-ms-range"

    /// - Parameter http: Shared by all clients of the service.
    /// - Parameter clockOffset: Shared by everything that signs for the account.
    package init(
        container: String, endpoint: AzureEndpoint, credentials: any CredentialsProvider<AzureCredentials>,
        delegation: AzureDelegationKeys? = nil, http: ServiceClient, clock: any MirrorClock = SystemClock(),
        clockOffset: ClockOffset = ClockOffset(), logger: Logger
    ) {
        client = AzureClient(
            container: container, endpoint: endpoint, credentials: credentials, delegation: delegation, http: http, clock: clock,
            clockOffset: clockOffset, logger: logger)
        urls = AzureContainerURLs(endpoint: endpoint, container: container)
        trouble = OriginTrouble(client, bucket: "\(endpoint.account)/\(container)", logger: logger)
    }

    package func agrees(_ answer: BucketAnswer, _ range: ByteRange?) -> Bool {
        switch answer.status {
        case 206: range.map(answer.isExactly) ?? false
        // The service supports ranges of every blob, so a whole blob is not an answer to a range request.
        case 200: range == nil && answer.header("content-range") == nil
        default: true
        }
    }

    package func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let blob = urls.object(artifact.description), answer.status == 200,
            let size = ObjectFields.size(answer.header("content-length"))
        else { return nil }
        let version: String?
        switch blob.version {
        case nil: version = nil
        case .version(let moment): version = moment
        // The service copies from snapshots by a signed URL.
        case .snapshot: return nil
        }
        // The account takes the place of a region: it determines who signs.
        return CopySource(
            service: AzureService.name, endpoint: client.endpoint.url, region: client.endpoint.account, bucket: client.bucket,
            key: blob.key, version: version, size: size, etag: answer.etag)
    }

    package func ask(_ call: AzureCall) async throws -> BucketAnswer {
        var told = BucketAnswer(try await trouble.ask(call))
        // If a range is sent, a field of the service's own has the MD5 of the whole blob.
        if let md5 = told.header("x-ms-blob-content-md5").flatMap({ Digest(.md5, base64: $0) }) {
            told.headers.append(("Repr-Digest", md5.fieldValue))
        }
        return told
    }
}
