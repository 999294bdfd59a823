package import Logging
package import MirrorCore
package import MirrorNet
package import MirrorStorage
import NIOHTTP1
package import StorageCloud

/// A container that artifacts are fetched from with the mirror's own credentials.
///
/// What the service says of a blob is passed on as it is, once it agrees with itself. What it says of whoever asks (a wrong key, a token
/// that has ended, a permission that is missing) is thrown and logged: it is nothing that clients could do something about.
package struct AzureOrigin: BucketOrigin {
    package let client: AzureClient
    private let urls: AzureContainerURLs
    private let trouble: OriginTrouble<AzureCredentials>

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
        trouble = OriginTrouble(bucket: "\(endpoint.account)/\(container)", clock: clock, logger: logger)
    }

    package func artifact(_ url: String) -> ArtifactURL? {
        urls.blob(url).flatMap(urls.url(of:))
    }

    package func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        var call = try call("originGet", .GET, artifact)
        if let range { call.headers.append(("x-ms-range", "bytes=\(range.offset)-\(range.end - 1)")) }
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        let answer = try await ask(call)
        guard agrees(answer, range) else {
            throw CloudErrors.azure.odd("the service sends something other than what was requested of \(artifact.redacted)", call.name)
        }
        return answer
    }

    /// Whether an answer is what was asked for, or says why not.
    private func agrees(_ answer: BucketAnswer, _ range: ByteRange?) -> Bool {
        switch answer.status {
        case 206: return range.map(answer.isExactly) ?? false
        // The service knows ranges of every blob: the whole is no answer to one.
        case 200: return range == nil && answer.header("content-range") == nil
        default: return true
        }
    }

    package func head(_ artifact: ArtifactURL) async throws -> BucketAnswer {
        try await ask(try call("originHead", .HEAD, artifact))
    }

    package func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource? {
        guard let blob = urls.blob(artifact.description), answer.status == 200,
            let size = ObjectFields.size(answer.header("content-length"))
        else { return nil }
        let version: String?
        switch blob.state {
        case .current: version = nil
        case .version(let moment): version = moment
        // The service copies from snapshots by a signed URL.
        case .snapshot: return nil
        }
        // What is to a region elsewhere is to an account here: it says who signs.
        return CopySource(
            service: AzureService.name, endpoint: client.endpoint.url, region: client.endpoint.account, bucket: client.container,
            key: blob.name, version: version, size: size,
            etag: answer.header("etag").map(ObjectFields.quoted).flatMap { $0.isEmpty ? nil : $0 })
    }

    package func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation {
        guard let blob = urls.blob(artifact.description) else { throw Self.notHere(artifact, "location") }
        let held = try await client.currentCredentials(for: "location")
        // A signature that the service does not take is worse than none: the container may be public. A SAS token is not for clients.
        guard let held, !trouble.isRefused(held), held.canSign else { return ObjectLocation(url: artifact.description) }
        return try await client.signedURL(ofBlob: blob.name, state: blob.state, life: life)
    }

    // MARK: Asking

    private func call(_ name: String, _ method: HTTPMethod, _ artifact: ArtifactURL) throws -> AzureCall {
        guard let blob = urls.blob(artifact.description) else { throw Self.notHere(artifact, name) }
        return AzureCall(name, method, .blob(name: blob.name), query: blob.state.item.map { [($0.name, $0.value)] } ?? [])
    }

    private static func notHere(_ artifact: ArtifactURL, _ call: String) -> StorageError {
        CloudErrors.azure.invalid("\(artifact.redacted) is not an object of this container", call)
    }

    private func ask(_ call: AzureCall) async throws -> BucketAnswer {
        let held = try await client.currentCredentials(for: call.name)
        let answer = try await trouble.ask(with: held, missingBucket: "ContainerNotFound") {
            try await client.answer(to: call)
        } describe: {
            client.error($0, call)
        }
        var told = BucketAnswer(answer)
        // Of the whole blob, when a range of it is sent, in a field of the service's own.
        if let md5 = told.header("x-ms-blob-content-md5").flatMap({ Digest(.md5, base64: $0) }) {
            told.headers.append(("Repr-Digest", md5.fieldValue))
        }
        return told
    }
}

extension AzureCredentials {
    /// Whether clients can be given addresses that are signed with them.
    fileprivate var canSign: Bool {
        switch kind {
        case .key, .token: true
        case .signature: false
        }
    }
}
