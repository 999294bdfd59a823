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

    /// - Parameter http: Shared by everybody who talks to the service.
    /// - Parameter clockOffset: Shared by everybody who signs for the account.
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
        // The service knows ranges of every blob: the whole is no answer to one.
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
        // What is to a region elsewhere is to an account here: it says who signs.
        return CopySource(
            service: AzureService.name, endpoint: client.endpoint.url, region: client.endpoint.account, bucket: client.bucket,
            key: blob.key, version: version, size: size, etag: answer.etag)
    }

    package func ask(_ call: AzureCall) async throws -> BucketAnswer {
        var told = BucketAnswer(try await trouble.ask(call))
        // Of the whole blob, when a range of it is sent, in a field of the service's own.
        if let md5 = told.header("x-ms-blob-content-md5").flatMap({ Digest(.md5, base64: $0) }) {
            told.headers.append(("Repr-Digest", md5.fieldValue))
        }
        return told
    }
}
