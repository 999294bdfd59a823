package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud
import Synchronization

/// Copies from other containers of the service, which reads them by itself.
extension AzureStore {
    /// The size in bytes up to which one request copies the object.
    private static let maxWholeCopy: Int64 = 64 << 20
    /// The life of a signature for a source: as long as its copy may take.
    private static let sourceLife: Duration = .seconds(3_600)

    package func canCopy(from source: CopySource) -> Bool {
        guard source.service == AzureService.name, (0...Self.maxObjectSize).contains(source.size),
            let from = endpoint(of: source)
        else { return false }
        if from == client.endpoint { return true }
        // A key signs only for its own account. A token is valid for all accounts of a cloud.
        return from.cloud != nil && from.cloud == client.endpoint.cloud && client.hasToken.withLock { $0 }
    }

    /// - Parameter source: Its region is the account, as set by ``AzureOrigin``.
    /// - Returns: `nil` if it is not the address of an account.
    private func endpoint(of source: CopySource) -> AzureEndpoint? {
        guard let url = try? ArtifactURL(source.endpoint) else { return nil }
        return AzureEndpoint(url, account: source.region)
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        guard canCopy(from: source), let from = endpoint(of: source) else {
            throw CloudErrors.azure.error(.unsupported, "the service cannot read from \(source.endpoint)", "copy")
        }
        if condition == .absent { try await requireAbsent(key, call: "copy") }
        let metadata = MetadataFields.azure.keptByAzure(metadata)
        let reader = SourceReader(
            client: AzureClient(
                container: source.bucket, endpoint: from, credentials: client.credentials, delegation: client.delegation, http: client.http,
                clock: client.clock, clockOffset: client.clockOffset, logger: logger),
            isOwnAccount: from == client.endpoint, source: source)
        if source.size <= Self.maxWholeCopy {
            return try await copyWhole(key, from: reader, metadata, condition)
        }
        let name = name(of: key)
        let parts = try await fetch(name, size: source.size) { try await reader.fields() }
        return try await commit(key, parts, size: source.size, metadata, md5: nil, condition)
    }

    private func copyWhole(
        _ key: ObjectKey, from reader: SourceReader, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let fields: [(name: String, value: String)] =
            [("x-ms-blob-type", "BlockBlob"), ("x-ms-copy-source-blob-properties", "false")] + MetadataFields.azure.headers(metadata)
            + condition.headers
        let etag = try await retries.run { _ -> String in
            var call = AzureCall("copy", .PUT, key: name(of: key))
            call.headers = try await fields + reader.fields()
            do {
                let answer = try await client.send(call)
                let etag = try AzureBlocks.commit(answer, call.name, now: client.now).etag
                try await requireFinished(answer, key, etag)
                return etag
            } catch let error as StorageError {
                return try await published(key, size: reader.source.size, metadata, condition, despite: error).etag
            }
        }
        let info = try await retries.run { _ in try await head(key) }
        guard info.etag == etag else {
            throw CloudErrors.azure.error(.preconditionFailed, "a different object from the one copied is at \(key)", "copy")
        }
        guard info.size == reader.source.size else {
            // Whatever it is, it is not the requested source.
            do { try await delete(key, ifMatch: info.etag) } catch {}
            throw CloudErrors.azure.odd("the copy of \(key) has \(info.size) bytes instead of \(reader.source.size)", "copy")
        }
        return info
    }

    /// A server that takes the request for `Copy Blob` answers before all bytes are there, and may never have them: such a copy is removed.
    private func requireFinished(_ answer: AzureAnswer, _ key: ObjectKey, _ etag: String) async throws {
        guard let status = answer.headers.first(name: "x-ms-copy-status"), status.lowercased() != "success" else { return }
        do { try await delete(key, ifMatch: etag) } catch {}
        throw CloudErrors.azure.error(.unsupported, "the server does not copy at once (\(AzureFailure.cleaned(status, limit: 20)))", "copy")
    }

    /// An object of the service that the service itself has to read.
    private struct SourceReader: Sendable {
        let client: AzureClient
        let isOwnAccount: Bool
        let source: CopySource

        /// Fields that name what has to be read, and authorize it.
        func fields() async throws -> [(name: String, value: String)] {
            let version = source.version.map { AzureBlobVersion.version($0) }
            let plain = client.url(ofKey: source.key) + AzureContainerURLs.query(version)
            var fields: [(name: String, value: String)]
            switch try await client.currentCredentials(for: "copy")?.kind {
            case .key:
                let signed = try await client.signedURL(ofKey: source.key, version: version, life: AzureStore.sourceLife)
                fields = [("x-ms-copy-source", signed.url)]
            case .token(let token): fields = [("x-ms-copy-source", plain), ("x-ms-copy-source-authorization", "Bearer \(token)")]
            case .signature(let signature) where isOwnAccount:
                fields = [("x-ms-copy-source", "\(plain)\(version == nil ? "?" : "&")\(signature.query)")]
            case .signature, nil: fields = [("x-ms-copy-source", plain)]
            }
            if let etag = source.etag { fields.append(("x-ms-source-if-match", etag)) }
            return fields
        }
    }
}
