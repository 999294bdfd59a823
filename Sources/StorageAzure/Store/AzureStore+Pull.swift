package import MirrorCore
package import MirrorStorage
import NIOHTTP1
import StorageCloud

/// Makes the service fetch an artifact from its origin.
extension AzureStore {
    /// The length of the longest URL that the service accepts, in bytes.
    private static let maxURL = 2_048
    /// The maximum size in bytes of an artifact that is fetched as one block, so that the block's MD5 is that of the artifact.
    private static let maxWithMD5: Int64 = 1 << 30

    package func canPull(from source: URLSource) -> Bool {
        guard configuration.pullsURLs, (1...Self.maxObjectSize).contains(source.size), source.url.description.utf8.count <= Self.maxURL
        else { return false }
        let endpoint = client.endpoint
        // Over plain HTTP, anyone on the path could change what is fetched. It is allowed only if the pool itself is configured for plain HTTP.
        guard source.url.scheme == .https || endpoint.scheme == .http else { return false }
        return (source.isPublic || !endpoint.isPublic) && check(of: source) != nil
    }

    /// How the arrived bytes are checked against the origin's statements.
    private enum Check {
        /// The origin states no digest; its artifact must be unchanged afterwards.
        case unstated
        /// A checksum of the whole, combined from those of the blocks.
        case crc64(Digest)
        /// The service compares it; there must be one block.
        case md5(Digest)
    }

    /// - Returns: `nil` if the origin states digests, but none that the service can check.
    private func check(of source: URLSource) -> Check? {
        if source.digests.isEmpty { return .unstated }
        if let crc64 = source.digests.first(where: { $0.algorithm == .crc64nvme }) { return .crc64(crc64) }
        guard source.size <= Self.maxWithMD5 else { return nil }
        return source.digests.first { $0.algorithm == .md5 }.map { Check.md5($0) }
    }

    package func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo {
        guard canPull(from: source), let check = check(of: source) else {
            throw CloudErrors.azure.error(.unsupported, "the service cannot fetch \(source)", "pull")
        }
        if condition == .absent { try await requireAbsent(key, call: "pull") }
        // The service passes the condition on, or the server ignores it: not every server supports it.
        let fields = [(name: "x-ms-copy-source", value: source.url.description), (name: "x-ms-source-if-match", value: source.etag)]
        var md5: Digest?
        if case .md5(let digest) = check { md5 = digest }
        let parts = try await fetch(name(of: key), size: source.size, md5: md5) { fields }
        if case .crc64(let digest) = check { try require(digest, of: parts) }
        try await confirm()
        return try await commit(key, parts, size: source.size, MetadataFields.azure.keptByAzure(metadata), md5: md5, condition)
    }

    private func require(_ digest: Digest, of parts: [FetchedPart]) throws {
        var crc64: UInt64 = 0
        for part in parts {
            guard let next = part.block.crc64 else {
                throw CloudErrors.azure.error(.unsupported, "the service does not say what it has fetched", "pull")
            }
            crc64 = CRC64NVME.joining(crc64, next, length: part.range.length)
        }
        guard CRC64NVME.bytes(of: crc64) == digest.bytes else {
            throw CloudErrors.azure.error(
                .checksumMismatch, "what the service has fetched does not have the CRC-64 that the origin states", "pull")
        }
    }

    // MARK: What copies and fetches have in common

    struct FetchedPart: Sendable {
        let range: ByteRange
        let block: AzureBlocks.Block
    }

    /// Makes the service read a source into blocks, several at the same time.
    ///
    /// - Parameter md5: The MD5 of the whole, which is then read into one block.
    /// - Parameter source: Fields that name what has to be read; requested again for each request.
    /// - Returns: The blocks in their order.
    func fetch(
        _ name: String, size: Int64, md5: Digest? = nil, from source: @escaping @Sendable () async throws -> [(name: String, value: String)]
    ) async throws -> [FetchedPart] {
        let partSize =
            md5 == nil
            ? Self.copyPartSize(of: size, configured: configuration.copyPartSize, workers: configuration.copyConcurrency) : max(size, 1)
        let ids = BlockIDs()
        return try await copyParts(of: size, partSize: partSize, workers: configuration.copyConcurrency) { number, range in
            let block = try await blocks.copy(ids.id(part: number, attempt: 0), of: name, range: range, from: source, md5: md5)
            return FetchedPart(range: range, block: block)
        }
    }

    func commit(
        _ key: ObjectKey, _ parts: [FetchedPart], size: Int64, _ metadata: ObjectMetadata, md5: Digest?, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let name = name(of: key)
        let ids = parts.map(\.block)
        return try await retries.run { _ in
            do {
                let commit = try await blocks.commit(name, ids, metadata: metadata, md5: md5, condition: condition)
                return ObjectInfo(key: key, size: size, etag: commit.etag, lastModified: commit.lastModified, metadata: metadata)
            } catch let error as StorageError {
                return try await published(key, size: size, metadata, condition, despite: error)
            }
        }
    }
}
